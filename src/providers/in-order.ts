import type { ProviderName } from '../common/provider-name.js';
import type { ProvidersConfig } from '../config/providers.config.js';

/** What the providers have, of those that the settings name, in order of preference. */
export function inOrder<T>(
  { names: [first, ...others] }: ProvidersConfig,
  ofProviders: Readonly<Record<ProviderName, T>>,
): [T, ...T[]] {
  return [ofProviders[first], ...others.map((name) => ofProviders[name])];
}
