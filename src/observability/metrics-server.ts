import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { httpConfig, type HttpConfig } from '../config/http.config.js';
import { Metrics } from './metrics.js';

export const METRICS_PATH = '/metrics';

/** Serves the metrics on `METRICS_PORT`, if set, so that clients of the API cannot read them. */
@Injectable()
export class MetricsServer implements OnApplicationBootstrap, OnApplicationShutdown {
  private server: Server | undefined;

  constructor(
    private readonly metrics: Metrics,
    @Inject(httpConfig.KEY) private readonly config: HttpConfig,
  ) {}

  /** @throws Error if the port cannot be opened */
  async onApplicationBootstrap(): Promise<void> {
    const { host, metricsPort } = this.config;
    if (metricsPort === undefined) return;
    this.server = createServer((request, response) => void this.handle(request, response));
    this.server.listen(metricsPort, host);
    await once(this.server, 'listening').catch((error: unknown) => {
      throw new Error(
        `The metrics server cannot listen on ${host}, port ${String(metricsPort)}: ${(error as Error).message}.\n` +
          `Set METRICS_PORT to a free one, and HOST to an address of this machine.`,
      );
    });
  }

  onApplicationShutdown(): void {
    this.server?.close();
    this.server?.closeAllConnections();
  }

  private async handle({ method, url }: IncomingMessage, response: ServerResponse): Promise<void> {
    if (url !== METRICS_PATH || (method !== 'GET' && method !== 'HEAD')) {
      response.writeHead(404).end();
      return;
    }
    const { registry } = this.metrics;
    const body = await registry.metrics();
    response.writeHead(200, { 'content-type': registry.contentType }).end(body);
  }
}
