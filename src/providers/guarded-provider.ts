import { setTimeout as delay } from 'node:timers/promises';
import type { Channel } from '../common/channel.js';
import type { EventBus, ProviderOperation } from '../common/events.js';
import type { PhoneNumber } from '../common/phone-number.js';
import type { RequestContext } from '../common/request-context.js';
import type { Verdict } from '../common/verdict.js';
import type { ProvidersConfig } from '../config/providers.config.js';
import { Circuit } from './circuit.js';
import type { CallTerms, OtpProvider } from './otp-provider.js';
import { ProviderError } from './provider-error.js';

/** A call stalls after this share of its time. */
const STALL_SHARE = 1 / 4;
/** Before a connection is tried again; doubled by chance, so that replicas do not come together. */
const RECONNECT_AFTER_MS = 50;

/** A provider, each of its operations behind its own circuit, and every call told as an event. */
export class GuardedProvider {
  private readonly circuits: Readonly<Record<ProviderOperation, Circuit>>;

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
  refusal(): ProviderError | undefined {
    return this.circuits.send.refusal();
  }

  /** As {@link OtpProvider.send}. @throws ProviderError */
  send(to: PhoneNumber, channel: Channel, context?: RequestContext): Promise<string> {
    return this.ask('send', context, (terms) => this.provider.send(to, channel, terms));
  }

  /** As {@link OtpProvider.resend}. @throws ProviderError */
  resend(
    to: PhoneNumber,
    pinId: string,
    channel: Channel,
    context?: RequestContext,
  ): Promise<string> {
    return this.ask('resend', context, (terms) => this.provider.resend(to, pinId, channel, terms));
  }

  /** As {@link OtpProvider.verify}. @throws ProviderError */
  verify(to: PhoneNumber, pinId: string, code: string, context?: RequestContext): Promise<Verdict> {
    return this.ask('verify', context, (terms) => this.provider.verify(to, pinId, code, terms));
  }

  /**
   * Asks, and once more where no connection came about: then nothing was asked, and nothing sent.
   * All of it ends within `PROVIDER_TIMEOUT`.
   */
  private async ask<T>(
    operation: ProviderOperation,
    context: RequestContext | undefined,
    call: (terms: CallTerms) => Promise<T>,
  ): Promise<T> {
    const endsAt = performance.now() + this.config.timeoutMs;
    const leftMs = (): number => Math.ceil(endsAt - performance.now());
    const circuit = this.circuits[operation];
    const attempt = (): Promise<T> =>
      circuit.call(() => this.told(operation, context, call({ timeoutMs: leftMs(), context })));
    try {
      return await attempt();
    } catch (error) {
      const pauseMs = RECONNECT_AFTER_MS * (1 + Math.random());
      const neverConnected = error instanceof ProviderError && error.failure === 'unavailable';
      if (!neverConnected || leftMs() < 2 * pauseMs) throw error;
      await delay(pauseMs);
      // The process may have stood still for longer.
      if (leftMs() <= 0) throw error;
      return attempt();
    }
  }

  private async told<T>(
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

  private newCircuit(operation: ProviderOperation, spared: boolean): Circuit {
    const { timeoutMs, maxInFlight } = this.config;
    return new Circuit({
      maxInFlight,
      stallMs: timeoutMs * STALL_SHARE,
      spared,
      onState: (state) => {
        this.events.emit({ type: 'circuit_state_changed', provider: this.name, operation, state });
      },
    });
  }
}
