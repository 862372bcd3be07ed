import { CHANNELS, type Channel } from '../common/channel.js';
import { canonicalizeLocale, isLanguageTag } from '../common/locale.js';
import { isAddressOrCidr } from '../common/network-address.js';
import {
  isCountry,
  NON_GEOGRAPHIC,
  NUMBER_TYPES,
  type NumberType,
} from '../common/phone-number.js';
import { parsePhonePrefix } from '../common/phone-prefix.js';
import { PROVIDER_NAMES, type ProviderName } from '../common/provider-name.js';
import { parseTestNumber, type TestNumber } from '../common/test-number.js';

/*
 * Parsers of settings that are lists. Each throws an Error that shows the form of an entry and never
 * an entry itself, because that may be a secret or a phone number.
 */

/** A language tag, and the opaque ID of its message template. */
const MESSAGE_ID_ENTRY = /^([^:\s]+):(\S+)$/;
const ORIGIN = /^https?:\/\/[^/?#@*]+$/i;
/** The name of an HTTP header (RFC 9110 §5.1), and its value: printable ASCII only. */
export const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const HEADER_VALUE = /^[\x20-\x7e]+$/;
const HOP_COUNT = /^[1-9]\d?$/;
/** The end of a network of all addresses, such as `0.0.0.0/0`. */
const ZERO_PREFIX_LENGTH = /\/0+$/;

/** Common wrong codes of countries, each with the right ISO 3166 code. */
const COUNTRY_CODE_CORRECTIONS: Readonly<Record<string, string>> = {
  ...{ UK: 'GB', EN: 'GB', GBR: 'GB', EL: 'GR', USA: 'US', DEU: 'DE', FRA: 'FR', AUT: 'AT' },
  ...{ JA: 'JP', KO: 'KR', ZH: 'CN', DA: 'DK', CS: 'CZ' },
};

/** Creates a parser of comma-separated entries; it throws if `parse` returns `undefined` for one. */
export const createListParser =
  <T>(parse: (entry: string) => T | undefined, form: string) =>
  (text: string): T[] =>
    splitList(text).map((entry) => {
      const value = parse(entry);
      if (value === undefined) throw new Error(`must be ${form}`);
      return value;
    });

const splitList = (text: string): string[] => text.split(',').map((entry) => entry.trim());

/** Stands for every country, but not for numbers of no country. */
export const ALL_COUNTRIES = '*';

/** Parses ISO 3166 codes, {@link ALL_COUNTRIES} and {@link NON_GEOGRAPHIC}. */
export function parseCountries(text: string): string[] {
  const codes = splitList(text.toUpperCase());
  const invalidCodes = codes.filter(
    (code) => !isCountry(code) && code !== ALL_COUNTRIES && code !== NON_GEOGRAPHIC,
  );
  if (invalidCodes.length === 0) return codes;
  const countryNames = new Intl.DisplayNames('en', { type: 'region' });
  const suggestions = invalidCodes
    .flatMap((code) => COUNTRY_CODE_CORRECTIONS[code] ?? [])
    .map((code) => `${code} (${countryNames.of(code) ?? code})`);
  const hint = suggestions.length > 0 ? `: did you mean ${suggestions.join(', ')}?` : '';
  throw new Error(`must be * or ISO 3166 codes such as DE,AT,CH${hint}`);
}

/** A type of numbers, on every channel or only on the channel before the colon. */
export type BlockedNumberType = NumberType | `${Channel}:${NumberType}`;

const BLOCKED_TYPES: readonly BlockedNumberType[] = NUMBER_TYPES.flatMap((type) => [
  type,
  ...CHANNELS.map((channel) => `${channel}:${type}` as const),
]);

const parseTypes = createListParser(
  (name) => BLOCKED_TYPES.find((type) => type.toUpperCase() === name.toUpperCase()),
  `none, or one or more of ${NUMBER_TYPES.join(', ')}, of a channel as in sms:FIXED_LINE`,
);

/** Parses libphonenumber's names of number types; `none` is the empty list. */
export const parseBlockedTypes = (text: string): BlockedNumberType[] =>
  text.trim().toLowerCase() === 'none' ? [] : parseTypes(text);

const parsePrefixEntries = createListParser(
  parsePhonePrefix,
  'first digits of phone numbers with + and the country code, such as +2547,+44770, or complete numbers',
);

/** Parses the first digits of numbers as in `PhoneNumber.identity`; `none` is the empty list. */
export const parsePrefixes = (text: string): string[] =>
  text.trim().toLowerCase() === 'none' ? [] : parsePrefixEntries(text).flat();

/** Parses the names of providers, in order of preference. */
export function parseProviders(text: string): readonly [ProviderName, ...ProviderName[]] {
  const form = `one or more of ${PROVIDER_NAMES.join(', ')}, each only once`;
  const names = createListParser(
    (name) => PROVIDER_NAMES.find((providerName) => providerName === name),
    form,
  )(text);
  const [first, ...others] = names;
  if (first === undefined || new Set(names).size < names.length) {
    throw new Error(`must be ${form}`);
  }
  return [first, ...others];
}

const MIN_TOKEN_LENGTH = 16;
/** Printable ASCII without spaces and commas. */
const TOKEN = /^[\x21-\x2b\x2d-\x7e]+$/;

/** Base64 (RFC 4648 §4), also without padding. */
const BASE64 = /^([a-z\d+/]{4})*([a-z\d+/]{4}|[a-z\d+/]{2}(==)?|[a-z\d+/]{3}=?)$/i;
const MAX_HMAC_SECRET_LENGTH = 255;

/** Creates a parser of one value, or of two during a rotation; it throws if one is invalid. */
const createRotationParser =
  (isValid: (value: string) => boolean, form: string) =>
  (text: string): readonly [string, ...string[]] => {
    const [first = '', ...others] = splitList(text);
    if (others.length > 1 || ![first, ...others].every(isValid)) throw new Error(`must be ${form}`);
    return [first, ...others];
  };

export const parseReportTokens = createRotationParser(
  (token) => token.length >= MIN_TOKEN_LENGTH && TOKEN.test(token),
  `one token or two, each of at least ${String(MIN_TOKEN_LENGTH)} printable characters`,
);

export const parseHmacSecrets = createRotationParser(
  ({ length }) => length > 0 && length <= MAX_HMAC_SECRET_LENGTH,
  `one secret or two, each of at most ${String(MAX_HMAC_SECRET_LENGTH)} characters`,
);

/** Parses the keys of Sinch's applications. */
export const parseApplicationKeys = createRotationParser((key) => key !== '', 'one key or two');

/** Parses the secrets of Sinch's applications. */
export const parseApplicationSecrets = createRotationParser(
  (secret) => BASE64.test(secret),
  'one secret or two, each in base64',
);

const parseMessageIdEntries = createListParser((entry): readonly [string, string] | undefined => {
  const [, tag, id] = MESSAGE_ID_ENTRY.exec(entry) ?? [];
  const locale = isLanguageTag(tag) ? canonicalizeLocale(tag) : '';
  return locale !== '' && id !== undefined ? [locale, id] : undefined;
}, 'entries like de:ID or pt-BR:ID, with a BCP 47 language tag before the ID of its message template');

/** Parses `language:ID` entries. @returns the IDs by canonical language tag */
export function parseMessageIds(text: string): ReadonlyMap<string, string> {
  const entries = parseMessageIdEntries(text);
  const ids = new Map(entries);
  if (ids.size < entries.length) throw new Error('must have each language only once');
  return ids;
}

/** Parses `number:code@last day` entries; the last day may be absent. */
export const parseTestNumbers = createListParser(
  parseTestNumber,
  'entries like +15550001111:123456@2026-12-31',
);

/**
 * Rejects test numbers without a last day, so that no known code works in production forever. A text is
 * a value that `parseTestNumbers` rejected.
 */
export function requireLastDays(testNumbers: TestNumber[] | string): TestNumber[] | string {
  if (typeof testNumbers === 'string') return testNumbers;
  if (testNumbers.every(({ expiresAt }) => expiresAt !== undefined)) return testNumbers;
  throw new Error('must each have a last day in production, as in +15550001111:123456@2026-12-31');
}

const parseNetworks = createListParser(
  (entry) => (isAddressOrCidr(entry) && !ZERO_PREFIX_LENGTH.test(entry) ? entry : undefined),
  'a number of hops from 1 to 99, or networks such as 10.0.0.0/8',
);

/** Parses how many proxies are in front of the service, or their networks. */
export const parseTrustProxy = (text: string): number | string[] =>
  HOP_COUNT.test(text) ? Number(text) : parseNetworks(text);

/** Parses origins as browsers send them (RFC 6454 §6.2): without a path or a pattern. */
export const parseOrigins = createListParser(
  (entry) => (ORIGIN.test(entry) && URL.canParse(entry) ? new URL(entry).origin : undefined),
  'origins such as https://app.example.com, without a path or *',
);

/** Parses `name=value` entries with percent-encoded values, as OpenTelemetry specifies for OTLP. */
export const parseHeaders = createListParser((entry): readonly [string, string] | undefined => {
  const [name = '', ...rest] = entry.split('=');
  const value = decodePercent(rest.join('=').trim());
  const isValid = HEADER_NAME.test(name.trim()) && HEADER_VALUE.test(value);
  return isValid ? [name.trim(), value] : undefined;
}, 'entries like name=value, with percent-encoded values');

/** @returns an empty text if `text` cannot be decoded */
function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
