import { Controller, Get, Logger, Res, ServiceUnavailableException } from '@nestjs/common';
import {
  HealthCheck,
  HealthCheckService,
  HealthIndicatorService,
  type HealthCheckResult,
} from '@nestjs/terminus';
import type { FastifyReply } from 'fastify';
import { seconds } from '../common/durations.js';
import { GracefulShutdown } from '../http/graceful-shutdown.js';
import { Public } from '../http/public.decorator.js';
import { ApiRoute } from '../openapi/api-route.decorator.js';
import { ApiTags } from '../openapi/swagger.js';
import { StorageHealthIndicator } from '../storage/storage.health.js';
import { RateLimitHealthIndicator } from '../throttling/rate-limit.health.js';
import { HealthReport, LivenessResponse } from './health.responses.js';

/** Checks are cached: the route is public, and each check is a query. */
const CACHE_MS = seconds(1);

const SHUTTING_DOWN: HealthCheckResult = {
  status: 'shutting_down',
  info: {},
  error: {},
  details: {},
};

@Public()
@ApiTags('Health')
@Controller('health')
export class HealthController {
  private readonly logger = new Logger('Readiness');
  private lastFailed = '';

  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly storage: StorageHealthIndicator,
    private readonly counters: RateLimitHealthIndicator,
    private readonly shutdown: GracefulShutdown,
  ) {}

  @Get('live')
  @ApiRoute({
    summary: 'Is the process alive?',
    description: 'Responds as long as the process can respond at all. For restarting it.',
    responses: { 200: { description: 'It is alive.', type: LivenessResponse } },
  })
  isLive(): LivenessResponse {
    return { status: 'ok' };
  }

  /**
   * 503 while shutting down, and while the storage or the rate-limit counters cannot be reached. The
   * provider does not count: if it is down, it is down for every replica. Every response is a report
   * of terminus, not a problem document: its clients are probes.
   */
  @Get('ready')
  // Its own documentation would load @nestjs/swagger at start: see openapi/swagger.ts.
  @HealthCheck({ noCache: true, swaggerDocumentation: false })
  @ApiRoute({
    summary: 'Is the service ready for requests?',
    description:
      'Depends on the storage and the rate-limit counters, and on whether the service is shutting down; not on the provider. For load balancers.',
    responses: {
      200: { description: 'It is ready.', type: HealthReport },
      503: { description: 'It is not ready.', type: HealthReport },
    },
  })
  async isReady(@Res({ passthrough: true }) reply: FastifyReply): Promise<HealthCheckResult> {
    const report = this.shutdown.isDraining ? SHUTTING_DOWN : await this.check();
    if (report.status !== 'ok') void reply.code(503).header('retry-after', '5');
    return report;
  }

  private async check(): Promise<HealthCheckResult> {
    const checks = [this.checkOf('storage', this.storage), this.checkOf('counters', this.counters)];
    const report = await this.health.check(checks).catch((error: unknown) => {
      // terminus throws the report if a check failed.
      if (!(error instanceof ServiceUnavailableException)) throw error;
      return error.getResponse() as HealthCheckResult;
    });
    this.logChange(Object.keys(report.error ?? {}).join(', '));
    return report;
  }

  private readonly checkOf = (name: string, dependency: { check(): Promise<void> }) => () =>
    this.indicators
      .check(name)
      .attempt(() => dependency.check())
      .cacheFor(CACHE_MS);

  /** Logs one line when readiness is lost and one when it is back, however many probes. */
  private logChange(failed: string): void {
    if (failed === this.lastFailed) return;
    this.lastFailed = failed;
    if (failed === '') this.logger.warn('Ready again.');
    else this.logger.error(`Not ready: cannot reach ${failed}.`);
  }
}
