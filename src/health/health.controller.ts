import { Controller, Get, Res } from '@nestjs/common';
import { HealthCheck, type HealthCheckResult } from '@nestjs/terminus';
import type { FastifyReply } from 'fastify';
import { GracefulShutdown } from '../http/graceful-shutdown.js';
import { Public } from '../http/public.decorator.js';
import { ApiRoute } from '../openapi/api-route.decorator.js';
import { ApiTags } from '../openapi/swagger.js';
import { HealthReport, LivenessResponse } from './health.responses.js';
import { ReadinessService } from './readiness.service.js';

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
    private readonly readiness: ReadinessService,
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
   * Returns 503 while shutting down, or if the storage or the rate-limit counters cannot be
   * reached. The provider is not checked: if it is down, no other replica can reach it either.
   * Probes call this route, so it returns Terminus reports, not problem documents.
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
    const report = this.shutdown.isDraining ? SHUTTING_DOWN : await this.readiness.getReport();
    if (report.status !== 'ok') void reply.code(503).header('retry-after', '5');
    return report;
  }
}
