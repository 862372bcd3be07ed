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

/**
 * Reports are cached: the route is public, and each check is a query. Not by `cacheFor` of Terminus,
 * which keeps a result for hours when the wall clock is set back.
 */
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
  private lastFailedChecks = '';
  private lastReport: Promise<HealthCheckResult> | undefined;
  /** By the monotonic clock, in milliseconds. */
  private checkAgainAt = 0;

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
    description: 'Liveness probe. Restart the process if it does not respond.',
    responses: { 200: { description: 'It is alive.', type: LivenessResponse } },
  })
  isLive(): LivenessResponse {
    return { status: 'ok' };
  }

  /**
   * 503 while shutting down, and while the storage or the rate-limit counters cannot be reached. The
   * provider is not checked: if it is down, it is down for every replica. Probes call this route, so
   * it returns Terminus reports, not problem documents.
   */
  @Get('ready')
  // The Swagger decorators of Terminus would load @nestjs/swagger at start: see openapi/swagger.ts.
  @HealthCheck({ noCache: true, swaggerDocumentation: false })
  @ApiRoute({
    summary: 'Is the service ready for requests?',
    description:
      'Readiness probe for load balancers. Fails while the service is shutting down, or cannot reach the storage or the rate-limit counters. The provider is not checked.',
    responses: {
      200: { description: 'It is ready.', type: HealthReport },
      503: { description: 'It is not ready.', type: HealthReport },
    },
  })
  async isReady(@Res({ passthrough: true }) reply: FastifyReply): Promise<HealthCheckResult> {
    const report = this.shutdown.isDraining ? SHUTTING_DOWN : await this.getReport();
    if (report.status !== 'ok') void reply.code(503).header('retry-after', '5');
    return report;
  }

  /** Probes share a report, and a check that is running. */
  private getReport(): Promise<HealthCheckResult> {
    if (this.lastReport && performance.now() < this.checkAgainAt) return this.lastReport;
    this.checkAgainAt = Infinity;
    this.lastReport = this.check().finally(() => {
      this.checkAgainAt = performance.now() + CACHE_MS;
    });
    return this.lastReport;
  }

  private async check(): Promise<HealthCheckResult> {
    const checks = [this.toCheck('storage', this.storage), this.toCheck('counters', this.counters)];
    const report = await this.health.check(checks).catch((error: unknown) => {
      // terminus throws the report if a check failed.
      if (!(error instanceof ServiceUnavailableException)) throw error;
      return error.getResponse() as HealthCheckResult;
    });
    this.logChange(Object.keys(report.error ?? {}).join(', '));
    return report;
  }

  private readonly toCheck = (name: string, dependency: { check(): Promise<void> }) => () =>
    this.indicators.check(name).attempt(() => dependency.check());

  /** Logs one line when readiness is lost and one when it is back, however many probes. */
  private logChange(failedChecks: string): void {
    if (failedChecks === this.lastFailedChecks) return;
    this.lastFailedChecks = failedChecks;
    if (failedChecks === '') this.logger.warn('Ready again.');
    else this.logger.error(`Not ready: cannot reach ${failedChecks}.`);
  }
}
