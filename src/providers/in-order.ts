import type { ProviderName } from '../common/provider-name.js';
import type { AppConfig } from '../config/app-config.js';

/** What the providers have, of those that the settings name, in order of preference. */
export function inOrder<T>(
  { providers: [first, ...others] }: AppConfig,
  ofProviders: Readonly<Record<ProviderName, T>>,
): [T, ...T[]] {
  return [ofProviders[first], ...others.map((name) => ofProviders[name])];
}
