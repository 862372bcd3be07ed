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
import { ReadinessLog } from './readiness-log.js';
import { UnreadyFilter } from './unready.filter.js';

/** For so long one finding is every asker's: anybody may ask, and the database has better to do. */
const KEPT_MS = seconds(1);

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
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly storage: StorageHealthIndicator,
    private readonly counters: RateLimitHealthIndicator,
    private readonly shutdown: GracefulShutdown,
    private readonly log: ReadinessLog,
  ) {}

  /** Answers as long as the process can answer at all. */
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
   * Whether requests should come here: 503 once the service is stopping, and while it cannot reach
   * its records or its counters. The port opens only when the start is done. A provider that is
   * down does not count: no other replica could do better.
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
  @UseFilters(UnreadyFilter)
  async isReady(): Promise<HealthCheckResult> {
    if (this.shutdown.isDraining) throw new ServiceUnavailableException(SHUTTING_DOWN);
    const report = this.health.check([
      () =>
        this.indicators
          .check('storage')
          .attempt(() => this.storage.check())
          .cacheFor(KEPT_MS),
      () =>
        this.indicators
          .check('counters')
          .attempt(() => this.counters.check())
          .cacheFor(KEPT_MS),
    ]);
    await report.then(
      () => {
        this.log.note([]);
      },
      (unready: unknown) => {
        this.log.note(failingIn(unready));
      },
    );
    return report;
  }
}

/** The names of what failed, out of the exception that the report is thrown as. */
function failingIn(unready: unknown): string[] {
  if (!(unready instanceof ServiceUnavailableException)) return ['itself'];
  const { error = {} } = unready.getResponse() as Partial<HealthCheckResult>;
  return Object.keys(error);
}
