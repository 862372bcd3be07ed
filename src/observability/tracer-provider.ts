import { randomUUID } from 'node:crypto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { ATTR_SERVICE_INSTANCE_ID, ATTR_SERVICE_NAME } from '@opentelemetry/semantic-conventions';
import { TraceExporter, type CollectorConfig } from './trace-exporter.js';

/**
 * The provider creates spans and exports them in batches: every five seconds, or when 512 have ended.
 * At most 2048 wait. Further ones are dropped, so that a slow collector costs neither time nor memory.
 */
export const createTracerProvider = (config: CollectorConfig): TracerProvider =>
  new TracerProvider({
    resource: resourceFromAttributes({
      [ATTR_SERVICE_NAME]: config.serviceName,
      // Random, as OpenTelemetry's conventions recommend: a host name may be internal.
      [ATTR_SERVICE_INSTANCE_ID]: randomUUID(),
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(config.sampleRatio) }),
    spanProcessors: [new BatchSpanProcessor({ exporter: new TraceExporter(config) })],
  });
