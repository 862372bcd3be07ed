import type { Registry } from 'prom-client';
import { seconds } from '../../common/durations.js';
import type { EventBus } from '../../common/events.js';
import {
  CIRCUIT_STATES,
  PROVIDER_FAILURES,
  PROVIDER_OPERATIONS,
  type CircuitState,
  type ProviderOperation,
} from '../../common/label-values.js';
import { createCounter, createGauge, createHistogram } from './create-metric.js';

const BUCKETS_S = [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2.5, 5, 10];

/**
 * Calls to the providers and their circuit breakers. Only the counter has the label `outcome`: on the
 * histogram that label would create about a thousand series.
 * @param providers names of the configured providers
 */
export function registerProviderMetrics(
  registry: Registry,
  events: EventBus,
  providers: readonly string[],
): void {
  const calls = createCounter(
    registry,
    'otp_provider_calls_total',
    'Provider calls by outcome: ok, or the kind of error.',
    { provider: providers, operation: PROVIDER_OPERATIONS, outcome: ['ok', ...PROVIDER_FAILURES] },
  );
  const durations = createHistogram(
    registry,
    'otp_provider_call_duration_seconds',
    'Time of provider calls of any outcome.',
    { provider: providers, operation: PROVIDER_OPERATIONS },
    BUCKETS_S,
  );
  const circuits = createGauge(
    registry,
    'otp_provider_circuit_state',
    '1 for the current state of the circuit breaker, 0 for the other states.',
    ['provider', 'operation', 'state'],
  );
  const setCircuit = (name: string, operation: ProviderOperation, current: CircuitState): void => {
    for (const state of CIRCUIT_STATES) {
      circuits.set({ provider: name, operation, state }, state === current ? 1 : 0);
    }
  };
  for (const name of providers) {
    for (const operation of PROVIDER_OPERATIONS) setCircuit(name, operation, 'closed');
  }

  events.subscribe('provider_call_completed', (event) => {
    const { operation, error } = event;
    calls.inc({ provider: event.provider, operation, outcome: error?.failure ?? 'ok' });
    durations.observe({ provider: event.provider, operation }, event.durationMs / seconds(1));
  });
  events.subscribe('circuit_state_changed', (event) => {
    setCircuit(event.provider, event.operation, event.state);
  });
}
