import { setTimeout as delay } from 'node:timers/promises';
import { CHANNELS, type Channel } from '../common/channel.js';
import type { EventBus } from '../common/events.js';
import type { FloodFilter } from '../common/flood-filter.js';
import type { ProviderOperation } from '../common/label-values.js';
import type { RequestContext } from '../common/request-context.js';
import type { ProvidersConfig } from '../config/providers.config.js';
import { CircuitBreaker } from './circuit-breaker.js';
import type { ProviderCallOptions, ProviderSendOptions, OtpProvider } from './otp-provider.js';
import { ProviderError } from './provider-error.js';

/** A call stalls after this share of `PROVIDER_TIMEOUT` without a response. */
const STALL_TIMEOUT_RATIO = 1 / 4;
/** The shortest pause before a failed connection is retried. The longest is twice as long. */
const MIN_RETRY_PAUSE_MS = 50;

/** A circuit breaker, and the calls that it counts. */
interface Circuit {
  readonly operation: ProviderOperation;
  /** Empty for a call that sends no message. */
  readonly channel: Channel | '';
  readonly breaker: CircuitBreaker;
}

/**
 * Calls one adapter, with circuit breakers, one retry and an event per call. Each operation has a circuit.
 * Sends and resends have one per channel: an account without WhatsApp can still send SMS. A call and its
 * retry end within the `timeoutMs` of the options, by default `PROVIDER_TIMEOUT`.
 */
export class ResilientProvider implements OtpProvider {
  private readonly sendCircuits: Readonly<Record<Channel, Circuit>>;
  private readonly resendCircuits: Readonly<Record<Channel, Circuit>>;
  private readonly verifyCircuit: Circuit;
  private readonly statusCircuit: Circuit;

  /**
   * @param hasSeveralClients whether a client has only its share of `PROVIDER_MAX_IN_FLIGHT`
   * @param hasFallback whether another provider can take all messages by a channel
   */
  constructor(
    private readonly adapter: OtpProvider,
    private readonly config: ProvidersConfig,
    private readonly events: EventBus,
    private readonly hasSeveralClients: () => boolean,
    hasFallback: (channel: Channel) => boolean,
  ) {
    const createCircuits = (operation: 'send' | 'resend') =>
      Object.fromEntries(
        CHANNELS.map((channel) => [
          channel,
          this.createCircuit(operation, channel, () => hasFallback(channel)),
        ]),
      ) as Record<Channel, Circuit>;
    this.sendCircuits = createCircuits('send');
    this.resendCircuits = createCircuits('resend');
    // Only the provider that generated a code can check it.
    this.verifyCircuit = this.createCircuit('verify', '', () => false);
    this.statusCircuit = this.createCircuit('status', '', () => false);
  }

  get name(): string {
    return this.adapter.name;
  }

  get channels(): readonly Channel[] {
    return this.adapter.channels;
  }

  get floodFilter(): FloodFilter | undefined {
    return this.adapter.floodFilter;
  }

  get attemptsPerCode(): number | undefined {
    return this.adapter.attemptsPerCode;
  }

  readonly send: OtpProvider['send'] = (to, channel, options) =>
    this.callWithRetry(this.sendCircuits[channel], options, (callOptions) =>
      this.adapter.send(to, channel, toSendOptions(options, callOptions)),
    );

  readonly resend: OtpProvider['resend'] = (to, sent, channel, options) =>
    this.callWithRetry(this.resendCircuits[channel], options, (callOptions) =>
      this.adapter.resend(to, sent, channel, toSendOptions(options, callOptions)),
    );

  readonly verify: OtpProvider['verify'] = (to, pinId, code, options) =>
    this.callWithRetry(this.verifyCircuit, options, (callOptions) =>
      this.adapter.verify(to, pinId, code, callOptions),
    );

  readonly findVerified: OtpProvider['findVerified'] = (to, pinId, sentAfter, options) =>
    this.callWithRetry(this.statusCircuit, options, (callOptions) =>
      this.adapter.findVerified(to, pinId, sentAfter, callOptions),
    );

  /** Why a send by this channel would be rejected now without a call. */
  getUnavailableReason(channel: Channel, client?: string): ProviderError | undefined {
    return this.sendCircuits[channel].breaker.getUnavailableReason(client);
  }

  /** Makes a call, and retries once if no connection was made: then nothing was sent. */
  private async callWithRetry<T>(
    circuit: Circuit,
    { context, client, signal, timeoutMs = this.config.timeoutMs }: ProviderCallOptions = {},
    callAdapter: (options: ProviderCallOptions) => Promise<T>,
  ): Promise<T> {
    const endsAt = performance.now() + timeoutMs;
    const getLeftMs = (): number => Math.ceil(endsAt - performance.now());
    const start = (): Promise<T> =>
      this.reportCall(circuit, context, callAdapter({ timeoutMs: getLeftMs(), context, signal }));
    const callOnce = (): Promise<T> => circuit.breaker.call(start, client);
    try {
      return await callOnce();
    } catch (error) {
      const pauseMs = MIN_RETRY_PAUSE_MS * (1 + Math.random());
      const isRetryable = error instanceof ProviderError && error.failure === 'connection_failed';
      // The retry itself needs time, too: at least as much as the pause.
      if (!isRetryable || getLeftMs() < 2 * pauseMs) throw error;
      await delay(pauseMs);
      // A process that was suspended may wake up too late.
      if (getLeftMs() <= 0) throw error;
      return callOnce();
    }
  }

  private async reportCall<T>(
    { operation, channel }: Circuit,
    context: RequestContext | undefined,
    call: Promise<T>,
  ): Promise<T> {
    const startedAt = performance.now();
    const emitCompleted = (error?: ProviderError): void => {
      const durationMs = performance.now() - startedAt;
      const { name: provider } = this;
      const type = 'provider_call_completed';
      this.events.emit({ type, context, provider, operation, channel, durationMs, error });
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
    channel: Channel | '',
    hasFallback: () => boolean,
  ): Circuit {
    const { timeoutMs, maxInFlight } = this.config;
    const breaker = new CircuitBreaker({
      maxInFlight,
      hasSeveralClients: this.hasSeveralClients,
      stallTimeoutMs: timeoutMs * STALL_TIMEOUT_RATIO,
      usesExponentialBackoff: hasFallback,
      onStateChange: (state) => {
        const { name: provider } = this;
        const type = 'circuit_state_changed';
        this.events.emit({ type, provider, operation, channel, state });
      },
    });
    return { operation, channel, breaker };
  }
}

const toSendOptions = (
  { locale, reference, templates }: ProviderSendOptions = {},
  callOptions: ProviderCallOptions,
): ProviderSendOptions => ({ locale, reference, templates, ...callOptions });
