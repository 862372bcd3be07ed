import type { FactoryProvider } from '@nestjs/common';
import { EventBus } from '../common/events.js';
import { tracingConfig, type TracingConfig } from '../config/tracing.config.js';
import type { Tracing } from './tracing.js';

/** Injects {@link Tracing}, or `null` if no traces are exported. */
export const TRACING = Symbol('Tracing');

/** Imported dynamically: without a collector, OpenTelemetry's SDK and exporter are not loaded. */
export const tracingProvider: FactoryProvider<Promise<Tracing | null>> = {
  provide: TRACING,
  inject: [tracingConfig.KEY, EventBus],
  useFactory: async (config: TracingConfig, events: EventBus) => {
    if (config.endpoint === undefined) return null;
    const { Tracing } = await import('./tracing.js');
    return new Tracing({ ...config, endpoint: config.endpoint }, events);
  },
};
