import type { ConfigType } from '@nestjs/config';
import Joi from 'joi';
import { defineConfig, optional, setting } from './define-config.js';
import { collectorUrl, parsedBy } from './env-types.js';
import { parseHeaders } from './list-parsers.js';

/**
 * Standard variables of OpenTelemetry. The exporter itself reads a few more, which this service
 * does not validate.
 */
export const tracingConfig = defineConfig('tracing', 'Traces', {
  endpoint: optional('OTEL_EXPORTER_OTLP_ENDPOINT', collectorUrl(), {
    description: 'OpenTelemetry collector that receives traces over OTLP (HTTP), at `/v1/traces`',
    values: 'http or https URL',
    defaultInWords: 'no traces',
    example: 'http://otel-collector:4318',
  }),
  headers: setting('OTEL_EXPORTER_OTLP_HEADERS', parsedBy(parseHeaders).default([]), {
    description: 'headers of each request to the collector, such as its API key',
    values: '`name=value`, …; values percent-encoded',
    defaultInWords: 'no headers',
    example: 'authorization=Bearer%20key',
    isSecret: true,
  }),
  serviceName: setting('OTEL_SERVICE_NAME', Joi.string().default('otp-service'), {
    description: 'name of this service in traces',
    values: 'name',
  }),
  sampleRatio: setting('OTEL_TRACES_SAMPLER_ARG', Joi.number().min(0).max(1).default(1), {
    description:
      'share of the requests that are traced; for a request with a `traceparent`, its sampled flag decides',
  }),
});
export type TracingConfig = ConfigType<typeof tracingConfig>;
