import { Inject, Injectable } from '@nestjs/common';
import { ClientDirectory } from '../clients/client-directory.js';
import type { Channel } from '../common/channel.js';
import type { CheckResult, EarlierCheckResult } from '../common/check-result.js';
import { EventBus } from '../common/events.js';
import type { FloodFilters } from '../common/flood-filter.js';
import type { PhoneNumber } from '../common/phone-number.js';
import type { ProviderName } from '../common/provider-name.js';
import { providersConfig, type ProvidersConfig } from '../config/providers.config.js';
import { InfobipProvider } from './infobip/infobip.provider.js';
import type {
  OtpProvider,
  ProviderCallOptions,
  ProviderSendOptions,
  SentCode,
} from './otp-provider.js';
import { ProviderError, SendFailedError } from './provider-error.js';
import type { ProviderRoute } from './provider-route.js';
import { ProviderRoutes, type ProviderOrder } from './provider-routes.js';
import { sendInOrder, type ProviderPin, type ProviderSendResult } from './send-in-order.js';
import { ResilientProvider } from './resilient-provider.js';
import { SinchProvider } from './sinch/sinch.provider.js';
import { isTestProvider, TestNumberProvider } from './test-number.provider.js';

/** The options of a message, besides its number and channel. */
interface MessageOptions extends Pick<
  ProviderSendOptions,
  'context' | 'client' | 'locale' | 'reference' | 'templates'
> {
  /** The client's own order of providers, if it has one. */
  readonly order?: ProviderOrder;
}

/**
 * Routes each call to a provider: in the client's order of preference or that of the number's country, with
 * failover unless the number is unreachable. Test numbers have a provider of their own.
 * For one message, each provider is used at most once, and for at most `PROVIDER_TIMEOUT`.
 */
@Injectable()
export class ProviderRouter {
  /** The providers in `PROVIDERS`, in the order of the setting. */
  private readonly providers: readonly ResilientProvider[];
  private readonly routes: ProviderRoutes;

  constructor(
    @Inject(providersConfig.KEY) config: ProvidersConfig,
    events: EventBus,
    directory: ClientDirectory,
    infobip: InfobipProvider,
    sinch: SinchProvider,
    private readonly testProvider: TestNumberProvider,
  ) {
    const adapters: Record<ProviderName, OtpProvider> = { infobip, sinch };
    const hasSeveralClients = () => directory.hasSeveralClients;
    this.providers = config.names.map(
      (name) =>
        new ResilientProvider(adapters[name], config, events, hasSeveralClients, (channel) =>
          this.routes.hasFallback(name, channel),
        ),
    );
    this.routes = new ProviderRoutes(this.providers, config);
  }

  /** The channels that a provider in `PROVIDERS` has. */
  get channels(): readonly Channel[] {
    return this.routes.default.channels;
  }

  /** The route by the client's own order, if it has one, or else by the number's country. */
  getRoute(to: PhoneNumber, order?: ProviderOrder): ProviderRoute {
    return this.routes.find(to, order);
  }

  /**
   * The channels by which a code can be sent again: also those of the provider that generated it.
   * @param issuer the name of the provider that generated the code
   */
  getResendChannels(to: PhoneNumber, issuer: string, order?: ProviderOrder): readonly Channel[] {
    const { channels } = this.getRoute(to, order);
    return [...new Set([...channels, ...(this.findProvider(issuer)?.channels ?? [])])];
  }

  /** The flood filters that may apply to a resend: also that of the provider that generated the code. */
  getResendFilters(
    to: PhoneNumber,
    channel: Channel,
    issuer: string,
    order?: ProviderOrder,
  ): FloodFilters {
    const filters = this.getRoute(to, order).getFloodFilters(channel);
    const issuerFilter = channel === 'sms' ? this.findProvider(issuer)?.floodFilter : undefined;
    if (!issuerFilter || filters.has(issuer)) return filters;
    return new Map(filters).set(issuer, issuerFilter);
  }

  /**
   * Sends a new code, by a provider that has the channel.
   * @throws SendFailedError
   */
  async send(
    to: PhoneNumber,
    channel: Channel,
    options: MessageOptions & { isTestNumber: boolean },
  ): Promise<ProviderSendResult> {
    const providers = options.isTestNumber
      ? [this.testProvider]
      : this.getRoute(to, options.order).getProviders(channel);
    return sendInOrder(providers, (provider) => provider.send(to, channel, options));
  }

  /**
   * Sends a code again by the provider that generated it. If that fails, sends a new code by another
   * provider of the route. Skips providers without the channel.
   * @throws SendFailedError
   */
  async resend(
    to: PhoneNumber,
    sent: ProviderPin & SentCode,
    channel: Channel,
    options: MessageOptions = {},
  ): Promise<ProviderSendResult> {
    const issuer = this.findProvider(sent.provider);
    const others = isTestProvider(sent.provider)
      ? []
      : this.getRoute(to, options.order)
          .getProviders(channel)
          .filter((other) => other !== issuer);
    const providers = issuer?.channels.includes(channel) ? [issuer, ...others] : others;
    return sendInOrder(providers, (provider) =>
      provider === issuer
        ? provider.resend(to, sent, channel, options)
        : provider.send(to, channel, options),
    );
  }

  /**
   * Checks a code at the provider that generated it, and at no other.
   * @throws ProviderError
   */
  async verify(
    to: PhoneNumber,
    pin: ProviderPin,
    code: string,
    options?: ProviderCallOptions,
  ): Promise<CheckResult> {
    return this.requireIssuer(pin).verify(to, pin.pinId, code, options);
  }

  /**
   * Asks the provider that generated a code whether it was verified.
   * @param sentAfter when the first message was requested, in milliseconds since the epoch
   * @throws ProviderError
   */
  async findVerified(
    to: PhoneNumber,
    pin: ProviderPin,
    sentAfter: number,
    options?: ProviderCallOptions,
  ): Promise<EarlierCheckResult> {
    return this.requireIssuer(pin).findVerified(to, pin.pinId, sentAfter, options);
  }

  /** The providers that may have sent a message before the send failed: after an unexpected error, all. */
  getPossibleSenders(error: unknown): readonly string[] {
    if (error instanceof SendFailedError) return error.possiblySentBy;
    return this.providers.map(({ name }) => name);
  }

  /** Whether a send failed because no phone has the number, and no provider can have sent a message. */
  isUnreachable(error: unknown): boolean {
    if (!(error instanceof SendFailedError) || error.possiblySentBy.length > 0) return false;
    return error.code === 'destination_unreachable';
  }

  /** How many attempts a provider allows for one code; `Infinity` if it does not limit them. */
  getAttemptsPerCode(provider: string): number {
    return this.findProvider(provider)?.attemptsPerCode ?? Infinity;
  }

  /** `undefined` if `PROVIDERS` no longer lists the provider. */
  private findProvider(name: string): OtpProvider | undefined {
    if (isTestProvider(name)) return this.testProvider;
    return this.providers.find((provider) => provider.name === name);
  }

  private requireIssuer(pin: ProviderPin): OtpProvider {
    const issuer = this.findProvider(pin.provider);
    if (!issuer) throw new ProviderError('connection_failed', { detail: 'NOT_IN_PROVIDERS' });
    return issuer;
  }
}
