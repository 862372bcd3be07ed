import { setTimeout as delay } from 'node:timers/promises';
import type { EventBus } from '../common/events.js';
import type { ProviderOperation } from '../common/label-values.js';
import type { RequestContext } from '../common/request-context.js';
import type { ProvidersConfig } from '../config/providers.config.js';
import { CircuitBreaker } from './circuit-breaker.js';
import type { ProviderCallOptions, OtpProvider } from './otp-provider.js';
import { ProviderError } from './provider-error.js';

/** A call stalls after this share of `PROVIDER_TIMEOUT`. */
const STALL_TIMEOUT_RATIO = 1 / 4;
/** The shortest pause before a failed connection is retried. The longest is twice as long. */
const MIN_RETRY_PAUSE_MS = 50;

/**
 * Makes the calls of one adapter: a circuit breaker per operation, one retry, an event per call.
 * A call and its retry end within `PROVIDER_TIMEOUT`, or a shorter time that is left.
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
      send: this.createCircuit('send', { backsOff: hasFallback }),
      resend: this.createCircuit('resend', { backsOff: hasFallback }),
      // Only the provider that generated a code can check it.
      verify: this.createCircuit('verify', { backsOff: false }),
      status: this.createCircuit('status', { backsOff: false }),
    };
  }

  get name(): string {
    return this.adapter.name;
  }

  readonly send: OtpProvider['send'] = (to, channel, options) =>
    this.callWithRetry('send', options, (timedOptions) =>
      this.adapter.send(to, channel, { ...timedOptions, locale: options?.locale }),
    );

  readonly resend: OtpProvider['resend'] = (to, pinId, channel, options) =>
    this.callWithRetry('resend', options, (timedOptions) =>
      this.adapter.resend(to, pinId, channel, { ...timedOptions, locale: options?.locale }),
    );

  readonly verify: OtpProvider['verify'] = (to, pinId, code, options) =>
    this.callWithRetry('verify', options, (timedOptions) =>
      this.adapter.verify(to, pinId, code, timedOptions),
    );

  readonly findVerified: OtpProvider['findVerified'] = (to, pinId, sentAfter, options) =>
    this.callWithRetry('status', options, (timedOptions) =>
      this.adapter.findVerified(to, pinId, sentAfter, timedOptions),
    );

  /** Why a send would be rejected now without a call. */
  getUnavailableReason(): ProviderError | undefined {
    return this.circuits.send.getUnavailableReason();
  }

  /** Makes a call, and retries once if no connection was made: then nothing was sent. */
  private async callWithRetry<T>(
    operation: ProviderOperation,
    { context, signal, timeoutMs = this.config.timeoutMs }: ProviderCallOptions = {},
    callAdapter: (options: ProviderCallOptions) => Promise<T>,
  ): Promise<T> {
    const endsAt = performance.now() + timeoutMs;
    const getLeftMs = (): number => Math.ceil(endsAt - performance.now());
    const callOnce = (): Promise<T> =>
      this.circuits[operation].call(() =>
        this.reportCall(
          operation,
          context,
          callAdapter({ timeoutMs: getLeftMs(), context, signal }),
        ),
      );
    try {
      return await callOnce();
    } catch (error) {
      const pauseMs = MIN_RETRY_PAUSE_MS * (1 + Math.random());
      const isRetryable = error instanceof ProviderError && error.failure === 'connection_failed';
      if (!isRetryable || getLeftMs() < 2 * pauseMs) throw error;
      await delay(pauseMs);
      // A process that was suspended may wake up too late.
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
    { backsOff }: { backsOff: boolean },
  ): CircuitBreaker {
    const { timeoutMs, maxInFlight } = this.config;
    return new CircuitBreaker({
      maxInFlight,
      stallTimeoutMs: timeoutMs * STALL_TIMEOUT_RATIO,
      backsOff,
      onStateChange: (state) => {
        this.events.emit({ type: 'circuit_state_changed', provider: this.name, operation, state });
      },
    });
  }
}
