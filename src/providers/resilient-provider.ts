import { setTimeout as delay } from 'node:timers/promises';
import type { EventBus } from '../common/events.js';
import type { ProviderOperation } from '../common/label-values.js';
import type { RequestContext } from '../common/request-context.js';
import type { ProvidersConfig } from '../config/providers.config.js';
import { CircuitBreaker } from './circuit-breaker.js';
import type { ProviderCallOptions, OtpProvider } from './otp-provider.js';
import { ProviderError } from './provider-error.js';

/** A call is slow after this share of `PROVIDER_TIMEOUT`. */
const SLOW_CALL_RATIO = 1 / 4;
/** Before the retry of a failed connection, in milliseconds; up to twice as long, at random. */
const RECONNECT_AFTER_MS = 50;

/**
 * Makes the calls of one adapter: a circuit breaker per operation, one retry, an event per call.
 * A call and its retry end within `PROVIDER_TIMEOUT`.
 */
export class ResilientProvider implements OtpProvider {
  private readonly circuits: Readonly<Record<ProviderOperation, CircuitBreaker>>;

  constructor(
    private readonly adapter: OtpProvider,
    private readonly config: ProvidersConfig,
    private readonly events: EventBus,
  ) {
    const hasFallback = config.names.length > 1;
    this.circuits = {
      send: this.createCircuit('send', { hasFallback }),
      resend: this.createCircuit('resend', { hasFallback }),
      // Only the provider that generated a code can check it.
      verify: this.createCircuit('verify', { hasFallback: false }),
    };
  }

  get name(): string {
    return this.adapter.name;
  }

  readonly send: OtpProvider['send'] = (to, channel, options) =>
    this.call('send', options, (timed) => this.adapter.send(to, channel, timed));

  readonly resend: OtpProvider['resend'] = (to, pinId, channel, options) =>
    this.call('resend', options, (timed) => this.adapter.resend(to, pinId, channel, timed));

  readonly verify: OtpProvider['verify'] = (to, pinId, code, options) =>
    this.call('verify', options, (timed) => this.adapter.verify(to, pinId, code, timed));

  /** Why a send would be rejected now without a call. */
  getUnavailableReason(): ProviderError | undefined {
    return this.circuits.send.getUnavailableReason();
  }

  /** Makes a call, and retries once if no connection was made: then nothing was sent. */
  private async call<T>(
    operation: ProviderOperation,
    { context, signal }: ProviderCallOptions = {},
    call: (options: ProviderCallOptions) => Promise<T>,
  ): Promise<T> {
    const endsAt = performance.now() + this.config.timeoutMs;
    const getLeftMs = (): number => Math.ceil(endsAt - performance.now());
    const callOnce = (): Promise<T> =>
      this.circuits[operation].call(() =>
        this.reportCall(operation, context, call({ timeoutMs: getLeftMs(), context, signal })),
      );
    try {
      return await callOnce();
    } catch (error) {
      const pauseMs = RECONNECT_AFTER_MS * (1 + Math.random());
      const isRetryable = error instanceof ProviderError && error.failure === 'connection_failed';
      if (!isRetryable || getLeftMs() < 2 * pauseMs) throw error;
      await delay(pauseMs);
      // The process may have been suspended for longer.
      if (getLeftMs() <= 0) throw error;
      return callOnce();
    }
  }

  private async reportCall<T>(
    operation: ProviderOperation,
    context: RequestContext | undefined,
    call: Promise<T>,
  ): Promise<T> {
    const startedAt = performance.now();
    const emitCompleted = (error?: ProviderError): void => {
      const durationMs = performance.now() - startedAt;
      const { name: provider } = this;
      const type = 'provider_call_completed';
      this.events.emit({ type, context, provider, operation, durationMs, error });
    };
    try {
      const result = await call;
      emitCompleted();
      return result;
    } catch (error) {
      if (error instanceof ProviderError) emitCompleted(error);
      throw error;
    }
  }

  private createCircuit(
    operation: ProviderOperation,
    { hasFallback }: { hasFallback: boolean },
  ): CircuitBreaker {
    const { timeoutMs, maxInFlight } = this.config;
    return new CircuitBreaker({
      maxInFlight,
      stallTimeoutMs: timeoutMs * SLOW_CALL_RATIO,
      hasFallback,
      onStateChange: (state) => {
        this.events.emit({ type: 'circuit_state_changed', provider: this.name, operation, state });
      },
    });
  }
}
