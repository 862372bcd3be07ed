import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startChromium } from './chromium';
import { LOOPBACK } from './ports';
import { startPostgres } from './postgres';
import { startRedis } from './redis';
import { BROKER_VARIABLE, type ServiceName } from './shared-services';

interface SharedService {
  readonly url: string;
  stop(): Promise<void>;
}

const STARTERS: Record<ServiceName, () => Promise<SharedService>> = {
  postgres: () => startPostgres({ dedicated: true }),
  redis: () => startRedis({ dedicated: true }),
  chromium: startChromium,
};

/**
 * Runs the services of one test run, in jest's main process. It starts a service when the first
 * worker needs it, shares it with the other workers, and stops all services at the end.
 */
export class ServiceBroker {
  private readonly services = new Map<ServiceName, Promise<SharedService>>();
  private startingCount = 0;

  private constructor(private readonly server: Server) {
    // An idle server does not keep the process alive; a waiting request does.
    server.unref();
    server.on('request', (request, response) => {
      // A worker that loads modules for seconds does not notice in time that a kept connection ended.
      response.shouldKeepAlive = false;
      this.get((request.url ?? '').slice(1) as ServiceName).then(
        ({ url }) => response.end(url),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
  }

  static async start(): Promise<ServiceBroker> {
    const server = createServer().listen(0, LOOPBACK);
    await once(server, 'listening');
    process.env[BROKER_VARIABLE] =
      `http://${LOOPBACK}:${String((server.address() as AddressInfo).port)}`;
    return new ServiceBroker(server);
  }

  /** Whether a service is starting. Whatever this process opens meanwhile belongs to the whole run. */
  get isStarting(): boolean {
    return this.startingCount > 0;
  }

  async stop(): Promise<void> {
    Reflect.deleteProperty(process.env, BROKER_VARIABLE);
    this.server.close();
    for (const service of await Promise.allSettled(this.services.values())) {
      if (service.status === 'fulfilled') await service.value.stop();
    }
  }

  private get(name: ServiceName): Promise<SharedService> {
    const service = this.services.get(name) ?? this.startService(name);
    this.services.set(name, service);
    return service;
  }

  private async startService(name: ServiceName): Promise<SharedService> {
    this.startingCount += 1;
    try {
      return await STARTERS[name]();
    } finally {
      this.startingCount -= 1;
    }
  }
}
