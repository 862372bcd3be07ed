import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { CHANNELS, type Channel } from '../../common/channel.js';
import { seconds } from '../../common/durations.js';
import type { EventBus } from '../../common/events.js';
import {
  CIRCUIT_STATES,
  PROVIDER_FAILURES,
  PROVIDER_OPERATIONS,
  type CircuitState,
  type ProviderOperation,
} from '../../common/label-values.js';
import { startAtZero } from './start-at-zero.js';

const BUCKETS_S = [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2.5, 5, 10];

/**
 * Counts and times calls to the providers, and shows their circuit breakers. The histogram has
 * neither `channel` nor `outcome` as a label, which would create thousands of series.
 * @param providers names of the configured providers
 */
export function registerProviderMetrics(
  registry: Registry,
  events: EventBus,
  providers: readonly string[],
): void {
  const calls = new Counter({
    name: 'otp_provider_calls_total',
    help: 'Provider calls by outcome: ok, or the kind of error.',
    labelNames: ['provider', 'operation', 'channel', 'outcome'],
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'otp_provider_call_duration_seconds',
    help: 'Time of provider calls of any outcome.',
    labelNames: ['provider', 'operation'],
    buckets: BUCKETS_S,
    registers: [registry],
  });
  startAtZero(durations, { provider: providers, operation: PROVIDER_OPERATIONS });
  const circuits = new Gauge({
    name: 'otp_provider_circuit_state',
    help: '1 for the current state of the circuit breaker, 0 for the other states.',
    labelNames: ['provider', 'operation', 'channel', 'state'],
    registers: [registry],
  });
  const setCircuit = (labels: OperationLabels, current: CircuitState): void => {
    for (const state of CIRCUIT_STATES) {
      circuits.set({ ...labels, state }, state === current ? 1 : 0);
    }
  };
  for (const labels of createOperationLabels(providers)) {
    for (const outcome of ['ok', ...PROVIDER_FAILURES]) calls.inc({ ...labels, outcome }, 0);
    setCircuit(labels, 'closed');
  }

  events.subscribe('provider_call_completed', (event) => {
    const { provider, operation, channel, error } = event;
    calls.inc({ provider, operation, channel, outcome: error?.failure ?? 'ok' });
    durations.observe({ provider, operation }, event.durationMs / seconds(1));
  });
  events.subscribe('circuit_state_changed', ({ provider, operation, channel, state }) => {
    setCircuit({ provider, operation, channel }, state);
  });
}

interface OperationLabels {
  readonly provider: string;
  readonly operation: ProviderOperation;
  /** Empty for an operation that sends no message. */
  readonly channel: Channel | '';
}

const createOperationLabels = (providers: readonly string[]): OperationLabels[] =>
  providers.flatMap((provider) =>
    PROVIDER_OPERATIONS.flatMap((operation) =>
      getChannels(operation).map((channel) => ({ provider, operation, channel })),
    ),
  );

const getChannels = (operation: ProviderOperation): readonly (Channel | '')[] =>
  operation === 'send' || operation === 'resend' ? CHANNELS : [''];
