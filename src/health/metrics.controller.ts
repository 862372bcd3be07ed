import { Controller, Get, Res, UseGuards, type Type } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { AuthConfig } from '../config/auth.config.js';
import type { HttpConfig } from '../config/http.config.js';
import { Public } from '../http/public.decorator.js';
import { METRICS_PATH } from '../observability/metrics-server.js';
import { Metrics } from '../observability/metrics.js';
import { ApiExcludeController } from '../openapi/swagger.js';
import { MetricsClientGuard } from './metrics-client.guard.js';

/** Serves the metrics on `PORT`. Anyone may read them if the service has no API keys. */
@ApiExcludeController()
@Controller(METRICS_PATH)
class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  @Get()
  async sendMetrics(@Res() reply: FastifyReply): Promise<void> {
    const { registry } = this.metrics;
    void reply.type(registry.contentType).send(await registry.metrics());
  }
}

/** Serves the metrics without an API key, even if the API needs one. */
@Public()
@ApiExcludeController()
@Controller(METRICS_PATH)
class PublicMetricsController extends MetricsController {}

/** Serves the metrics to the client that `METRICS_CLIENT` names: to nobody if it is not set. */
@UseGuards(MetricsClientGuard)
@ApiExcludeController()
@Controller(METRICS_PATH)
class RestrictedMetricsController extends MetricsController {}

/** The controller of the metrics on `PORT`; none if the metrics have `METRICS_PORT`. */
export function selectMetricsControllers(
  { metricsPort, metricsPublic }: HttpConfig,
  { needsApiKey }: AuthConfig,
): Type[] {
  if (metricsPort !== undefined) return [];
  if (metricsPublic) return [PublicMetricsController];
  return [needsApiKey ? RestrictedMetricsController : MetricsController];
}
