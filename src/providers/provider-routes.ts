import type { Channel } from '../common/channel.js';
import type { PhoneNumber } from '../common/phone-number.js';
import type { ProviderName } from '../common/provider-name.js';
import type { ProvidersConfig } from '../config/providers.config.js';
import { ProviderRoute } from './provider-route.js';
import type { ResilientProvider } from './resilient-provider.js';

/** Names of providers in order of preference; `undefined` for the order of the settings. */
export type ProviderOrder = readonly ProviderName[] | undefined;

/** The order of the providers for each message: of its client, of its country, or of `PROVIDERS`. */
export class ProviderRoutes {
  /** That of `PROVIDERS`. */
  readonly default: ProviderRoute;
  /** Those in `PROVIDER_ROUTES`. */
  private readonly byCountry: ReadonlyMap<string, ProviderRoute>;
  /** Those of clients, by the names of the providers: as few as there are orders of them. */
  private readonly byOrder = new Map<string, ProviderRoute>();

  /** @param providers those in `PROVIDERS`, in its order */
  constructor(
    private readonly providers: readonly ResilientProvider[],
    { routes }: ProvidersConfig,
  ) {
    this.default = new ProviderRoute(providers);
    this.byCountry = new Map(
      Array.from(routes, ([country, names]) => [country, this.createRoute(names)]),
    );
  }

  /** A client with an order of its own has it in every country. */
  find(to: PhoneNumber, order: ProviderOrder): ProviderRoute {
    if (order) return this.findByOrder(order);
    if (this.byCountry.size === 0) return this.default;
    return this.byCountry.get(to.country) ?? this.default;
  }

  /** Whether the messages of every route can also be sent by another provider. */
  hasFallback(provider: string, channel: Channel): boolean {
    const routes = [this.default, ...this.byCountry.values(), ...this.byOrder.values()];
    return !routes.some((route) => route.hasOnly(provider, channel));
  }

  private findByOrder(names: readonly ProviderName[]): ProviderRoute {
    const key = names.join('+');
    const route = this.byOrder.get(key) ?? this.createRoute(names);
    this.byOrder.set(key, route);
    return route;
  }

  private createRoute(names: readonly ProviderName[]): ProviderRoute {
    return new ProviderRoute(
      names.flatMap((name) => this.providers.find((provider) => provider.name === name) ?? []),
    );
  }
}
