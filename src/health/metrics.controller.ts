import { Controller, Get, Res, UseGuards, type Type } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { AuthConfig } from '../config/auth.config.js';
import type { HttpConfig } from '../config/http.config.js';
import { Public } from '../http/public.decorator.js';
import { METRICS_PATH } from '../observability/metrics-server.js';
import { Metrics } from '../observability/metrics.js';
import { ApiExcludeController } from '../openapi/swagger.js';
import { MetricsClientGuard } from './metrics-client.guard.js';

/** Serves the metrics on `PORT`, to any caller where there are no API keys. */
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

/** Serves them without an API key. */
@Public()
@ApiExcludeController()
@Controller(METRICS_PATH)
class PublicMetricsController extends MetricsController {}

/** Serves them to `METRICS_CLIENT` alone. */
@UseGuards(MetricsClientGuard)
@ApiExcludeController()
@Controller(METRICS_PATH)
class RestrictedMetricsController extends MetricsController {}

/** The controllers of the metrics on `PORT`; none if `METRICS_PORT` serves them. */
export function selectMetricsControllers(
  { metricsPort, metricsPublic }: HttpConfig,
  { needsApiKey }: AuthConfig,
): Type[] {
  if (metricsPort !== undefined) return [];
  if (metricsPublic) return [PublicMetricsController];
  return [needsApiKey ? RestrictedMetricsController : MetricsController];
}
