import { setTimeout as delay } from 'node:timers/promises';
import type { Channel } from '../common/channel.js';
import type { EventBus, ProviderOperation } from '../common/events.js';
import type { PhoneNumber } from '../common/phone-number.js';
import type { RequestContext } from '../common/request-context.js';
import type { CheckResult } from '../common/check-result.js';
import type { ProvidersConfig } from '../config/providers.config.js';
import { CircuitBreaker } from './circuit-breaker.js';
import type { CallOptions, OtpProvider } from './otp-provider.js';
import { ProviderError } from './provider-error.js';

/** A call stalls after this share of its time. */
const SLOW_CALL_RATIO = 1 / 4;
/** Before a connection is tried again; doubled by chance, so that replicas do not come together. */
const RECONNECT_AFTER_MS = 50;

/** A provider, each of its operations behind its own circuit, and every call told as an event. */
export class ResilientProvider {
  private readonly circuits: Readonly<Record<ProviderOperation, CircuitBreaker>>;

  constructor(
    private readonly provider: OtpProvider,
    private readonly config: ProvidersConfig,
    private readonly events: EventBus,
  ) {
    const spared = config.names.length > 1;
    this.circuits = {
      send: this.newCircuit('send', spared),
      resend: this.newCircuit('resend', spared),
      // Only who made a code can judge it.
      verify: this.newCircuit('verify', false),
    };
  }

  get name(): OtpProvider['name'] {
    return this.provider.name;
  }

  /** Why it would not be asked for a new code now. */
  unavailableReason(): ProviderError | undefined {
    return this.circuits.send.refusal();
  }

  /** As {@link OtpProvider.send}. @throws ProviderError */
  send(to: PhoneNumber, channel: Channel, context?: RequestContext): Promise<string> {
    return this.callWithRetry('send', context, (terms) => this.provider.send(to, channel, terms));
  }

  /** As {@link OtpProvider.resend}. @throws ProviderError */
  resend(
    to: PhoneNumber,
    pinId: string,
    channel: Channel,
    context?: RequestContext,
  ): Promise<string> {
    return this.callWithRetry('resend', context, (terms) =>
      this.provider.resend(to, pinId, channel, terms),
    );
  }

  /** As {@link OtpProvider.verify}. @throws ProviderError */
  verify(
    to: PhoneNumber,
    pinId: string,
    code: string,
    context?: RequestContext,
  ): Promise<CheckResult> {
    return this.callWithRetry('verify', context, (terms) =>
      this.provider.verify(to, pinId, code, terms),
    );
  }

  /**
   * Asks, and once more where no connection came about: then nothing was asked, and nothing sent.
   * All of it ends within `PROVIDER_TIMEOUT`.
   */
  private async callWithRetry<T>(
    operation: ProviderOperation,
    context: RequestContext | undefined,
    call: (terms: CallOptions) => Promise<T>,
  ): Promise<T> {
    const endsAt = performance.now() + this.config.timeoutMs;
    const leftMs = (): number => Math.ceil(endsAt - performance.now());
    const circuit = this.circuits[operation];
    const attempt = (): Promise<T> =>
      circuit.call(() =>
        this.instrumented(operation, context, call({ timeoutMs: leftMs(), context })),
      );
    try {
      return await attempt();
    } catch (error) {
      const pauseMs = RECONNECT_AFTER_MS * (1 + Math.random());
      const neverConnected =
        error instanceof ProviderError && error.failure === 'connection_failed';
      if (!neverConnected || leftMs() < 2 * pauseMs) throw error;
      await delay(pauseMs);
      // The process may have stood still for longer.
      if (leftMs() <= 0) throw error;
      return attempt();
    }
  }

  private async instrumented<T>(
    operation: ProviderOperation,
    context: RequestContext | undefined,
    call: Promise<T>,
  ): Promise<T> {
    const beganAt = performance.now();
    const tell = (error?: ProviderError): void => {
      const durationMs = performance.now() - beganAt;
      this.events.emit({
        type: 'provider_call_completed',
        context,
        provider: this.name,
        operation,
        durationMs,
        error,
      });
    };
    try {
      const result = await call;
      tell();
      return result;
    } catch (error) {
      if (error instanceof ProviderError) tell(error);
      throw error;
    }
  }

  private newCircuit(operation: ProviderOperation, hasFallback: boolean): CircuitBreaker {
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
