import { CHANNELS, type Channel } from '../common/channel.js';
import { NO_FLOOD_FILTERS, type FloodFilters } from '../common/flood-filter.js';
import type { ResilientProvider } from './resilient-provider.js';

/** The providers of a message in order of preference, with their channels and flood filters. */
export class ProviderRoute {
  /** The channels that at least one of the providers has. */
  readonly channels: readonly Channel[];
  private readonly byChannel: ReadonlyMap<Channel, readonly ResilientProvider[]>;
  private readonly smsFilters: FloodFilters;

  constructor(providers: readonly ResilientProvider[]) {
    const withChannel = (channel: Channel) =>
      providers.filter(({ channels }) => channels.includes(channel));
    this.byChannel = new Map(CHANNELS.map((channel) => [channel, withChannel(channel)]));
    this.channels = CHANNELS.filter((channel) => this.getProviders(channel).length > 0);
    this.smsFilters = new Map(
      providers.flatMap(({ name, floodFilter }) => (floodFilter ? [[name, floodFilter]] : [])),
    );
  }

  /** The providers that have the channel. */
  getProviders(channel: Channel): readonly ResilientProvider[] {
    return this.byChannel.get(channel) ?? [];
  }

  /** Whether this provider is the only one of the route that has the channel. */
  hasOnly(provider: string, channel: Channel): boolean {
    const providers = this.getProviders(channel);
    return providers.length === 1 && providers[0]?.name === provider;
  }

  /**
   * @throws ProviderError if no provider of the channel can be called now for the client: see
   * `getUnavailableReason`.
   */
  assertAvailable(channel: Channel, client?: string): void {
    const providers = this.getProviders(channel);
    const reasons = providers.flatMap(
      (provider) => provider.getUnavailableReason(channel, client) ?? [],
    );
    if (reasons[0] && reasons.length === providers.length) throw reasons[0];
  }

  /** The flood filters that a message may meet: with failover, any provider may send it. */
  getFloodFilters(channel: Channel): FloodFilters {
    return channel === 'sms' ? this.smsFilters : NO_FLOOD_FILTERS;
  }
}
