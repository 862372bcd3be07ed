import { Controller, Get, ServiceUnavailableException, UseFilters } from '@nestjs/common';
import {
  HealthCheck,
  HealthCheckService,
  HealthIndicatorService,
  type HealthCheckResult,
} from '@nestjs/terminus';
import { seconds } from '../common/durations.js';
import { GracefulShutdown } from '../http/graceful-shutdown.js';
import { Public } from '../http/public.decorator.js';
import { ApiRoute } from '../openapi/api-route.decorator.js';
import { ApiTags } from '../openapi/swagger.js';
import { StorageHealthIndicator } from '../storage/storage.health.js';
import { RateLimitHealthIndicator } from '../throttling/rate-limit.health.js';
import { HealthReport, Liveness } from './health.responses.js';
import { ReadinessLogger } from './readiness-logger.js';
import { ReadinessExceptionFilter } from './readiness-exception.filter.js';

/** Checks are cached: the route is public, and each check is a query. */
const CACHE_MS = seconds(1);

const SHUTTING_DOWN = { status: 'shutting_down', info: {}, error: {}, details: {} };

@Public()
@ApiTags('Health')
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly storage: StorageHealthIndicator,
    private readonly counters: RateLimitHealthIndicator,
    private readonly shutdown: GracefulShutdown,
    private readonly log: ReadinessLogger,
  ) {}

  @Get('live')
  @ApiRoute({
    summary: 'Is the process alive?',
    description: 'Responds as long as the process can respond at all. For restarting it.',
    responses: { 200: { description: 'It is alive.', type: Liveness } },
  })
  isLive(): Liveness {
    return { status: 'ok' };
  }

  /**
   * 503 while shutting down, and while the storage or the rate-limit counters cannot be reached. The
   * provider does not count: if it is down, it is down for every replica.
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
  @UseFilters(ReadinessExceptionFilter)
  async isReady(): Promise<HealthCheckResult> {
    if (this.shutdown.isDraining) throw new ServiceUnavailableException(SHUTTING_DOWN);
    try {
      const report = await this.health.check([
        this.checkOf('storage', this.storage),
        this.checkOf('counters', this.counters),
      ]);
      this.log.update([]);
      return report;
    } catch (error) {
      this.log.update(failedChecks(error));
      throw error;
    }
  }

  private readonly checkOf = (name: string, dependency: { check(): Promise<void> }) => () =>
    this.indicators
      .check(name)
      .attempt(() => dependency.check())
      .cacheFor(CACHE_MS);
}

/** The names of the failed checks: terminus throws the report as an exception. */
function failedChecks(error: unknown): string[] {
  if (!(error instanceof ServiceUnavailableException)) return ['itself'];
  const { error: failed = {} } = error.getResponse() as Partial<HealthCheckResult>;
  return Object.keys(failed);
}
