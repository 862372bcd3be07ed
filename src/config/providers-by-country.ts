import { isCountry, NON_GEOGRAPHIC } from '../common/phone-number.js';
import { PROVIDER_NAMES, type ProviderName } from '../common/provider-name.js';
import { createListParser } from './list-parsers.js';

/** Providers in order of preference, by the country of the number: an ISO 3166 code, or `001` for numbers of no country. */
export type ProvidersByCountry = ReadonlyMap<string, readonly ProviderName[]>;

export const NO_ROUTES: ProvidersByCountry = new Map();

const parseEntries = createListParser(
  parseEntry,
  `entries like IN:sinch+infobip, with an ISO 3166 code or 001, and ${PROVIDER_NAMES.join(' or ')}, each only once`,
);

/** Parses `country:provider+provider` entries. */
export function parseProvidersByCountry(text: string): ProvidersByCountry {
  const entries = parseEntries(text);
  const routes = new Map(entries);
  if (routes.size < entries.length) throw new Error('must have each country only once');
  return routes;
}

function parseEntry(entry: string): readonly [string, readonly ProviderName[]] | undefined {
  const [code = '', route = '', ...rest] = entry.split(':');
  const country = code.trim().toUpperCase();
  const parts = route.split('+').map((part) => part.trim().toLowerCase());
  const names = PROVIDER_NAMES.filter((name) => parts.includes(name)).sort(
    (one, other) => parts.indexOf(one) - parts.indexOf(other),
  );
  const isValid = names.length === parts.length && rest.length === 0;
  return isValid && (isCountry(country) || country === NON_GEOGRAPHIC)
    ? [country, names]
    : undefined;
}

/** The error if a country has a provider that `PROVIDERS` does not have. */
export function findRouteErrors({
  names,
  routes,
}: {
  readonly names: readonly ProviderName[];
  readonly routes: ProvidersByCountry;
}): string[] {
  if ([...routes.values()].flat().every((name) => names.includes(name))) return [];
  return ['PROVIDER_ROUTES must have only providers that PROVIDERS has, too'];
}
