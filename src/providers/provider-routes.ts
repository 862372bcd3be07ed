import type { Channel } from '../common/channel.js';
import type { PhoneNumber } from '../common/phone-number.js';
import type { ProviderName } from '../common/provider-name.js';
import type { ProvidersConfig } from '../config/providers.config.js';
import { ProviderRoute } from './provider-route.js';
import type { ResilientProvider } from './resilient-provider.js';

/** Names of providers in order of preference; `undefined` for the order of the settings. */
export type ProviderOrder = readonly ProviderName[] | undefined;

/** Finds the route of a message: by its client's order, its country's order, or that of `PROVIDERS`. */
export class ProviderRoutes {
  /** The route in the order of `PROVIDERS`. */
  readonly default: ProviderRoute;
  /** By ISO 3166 code: the routes in `PROVIDER_ROUTES`. */
  private readonly byCountry: ReadonlyMap<string, ProviderRoute>;
  /** The routes of clients by their provider names. Clients with the same order share a route. */
  private readonly byOrder = new Map<string, ProviderRoute>();

  /** @param providers those in `PROVIDERS`, in the order of the setting */
  constructor(
    private readonly providers: readonly ResilientProvider[],
    { routes }: ProvidersConfig,
  ) {
    this.default = new ProviderRoute(providers);
    this.byCountry = new Map(
      Array.from(routes, ([country, names]) => [country, this.createRoute(names)]),
    );
  }

  /** A client's own order applies in every country. */
  find(to: PhoneNumber, order: ProviderOrder): ProviderRoute {
    if (order) return this.findByOrder(order);
    if (this.byCountry.size === 0) return this.default;
    return this.byCountry.get(to.country) ?? this.default;
  }

  /** Whether no route depends on this provider alone for the channel. */
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
