import { isAddressOrCidr } from '../common/network-address.js';
import { isCountry, NUMBER_TYPES, type NumberType } from '../common/phone-number.js';
import { PROVIDER_NAMES, type ProviderName } from '../common/provider-name.js';
import { parseTestNumber, type TestNumber } from '../common/test-number.js';

/*
 * Parsers of settings that are lists. Each throws an Error that shows the form of an entry and never
 * an entry itself, because that may be a secret or a phone number.
 */

/** The API key of a client. */
export interface ApiKey {
  readonly client: string;
  /** SHA-256 of the key. */
  readonly hash: Buffer;
}

const API_KEY = /^([a-z0-9][a-z0-9._-]{0,63}):([0-9a-f]{64})$/i;
const ORIGIN = /^https?:\/\/[^/?#@*]+$/i;
const HOP_COUNT = /^[1-9]\d?$/;
const ANY_ADDRESS = /\/0+$/;

/** Parses `name:<sha-256 of the key, hex>` entries; a name may have several. */
export function parseApiKeys(text: string): ApiKey[] {
  return splitList(text).map((entry) => {
    const [, client, hash] = API_KEY.exec(entry) ?? [];
    if (client === undefined || hash === undefined) {
      throw new Error(
        'must be entries like name:<sha-256 of the key, hex>; npm run keys:new makes one',
      );
    }
    return { client, hash: Buffer.from(hash, 'hex') };
  });
}

/** Parses ISO 3166 codes; `*` is every country, and `undefined`. */
export function parseCountries(text: string): string[] | undefined {
  if (text.trim() === '*') return undefined;
  const codes = splitList(text.toUpperCase());
  if (!codes.every(isCountry)) throw new Error('must be * or ISO 3166 codes such as DE,AT,CH');
  return codes;
}

/** Parses libphonenumber's names of number types; `none` is none. */
export function parseNumberTypes(text: string): NumberType[] {
  if (text.trim().toLowerCase() === 'none') return [];
  const isType = (name: string): name is NumberType =>
    (NUMBER_TYPES as readonly string[]).includes(name);
  const names = splitList(text.toUpperCase());
  if (!names.every(isType)) throw new Error(`must be none or some of ${NUMBER_TYPES.join(', ')}`);
  return names;
}

/** Parses the names of providers, in order of preference. */
export function parseProviders(text: string): readonly [ProviderName, ...ProviderName[]] {
  const isProvider = (name: string): name is ProviderName =>
    (PROVIDER_NAMES as readonly string[]).includes(name);
  const [first = '', ...others] = splitList(text);
  const isUnique = new Set([first, ...others]).size === others.length + 1;
  if (!isProvider(first) || !others.every(isProvider) || !isUnique) {
    throw new Error(`must be different ones of ${PROVIDER_NAMES.join(', ')}`);
  }
  return [first, ...others];
}

/** Parses `number:code@last day` entries; the last day may be absent. */
export function parseTestNumbers(text: string): TestNumber[] {
  return splitList(text).map((entry) => {
    const testNumber = parseTestNumber(entry);
    if (!testNumber) throw new Error('must be entries like +15550001111:123456@2026-12-31');
    return testNumber;
  });
}

/** Checks that no test number is valid forever: in production its known code is a way in. */
export function requireLastDays(testNumbers: TestNumber[]): TestNumber[] {
  if (testNumbers.some(({ expiresAt }) => expiresAt === undefined)) {
    throw new Error(
      'must each have a last day in production, as in +15550001111:123456@2026-12-31',
    );
  }
  return testNumbers;
}

/** Parses the number of proxies in front of the service, or their networks. */
export function parseTrustProxy(text: string): number | string[] {
  if (HOP_COUNT.test(text)) return Number(text);
  const networks = splitList(text);
  if (!networks.every((network) => isAddressOrCidr(network) && !ANY_ADDRESS.test(network))) {
    throw new Error('must be a number of hops from 1 to 99, or networks such as 10.0.0.0/8');
  }
  return networks;
}

/** Parses origins as a browser names them (RFC 6454 §6.2): no path, no pattern. */
export function parseOrigins(text: string): string[] {
  const origins = splitList(text);
  if (!origins.every((origin) => ORIGIN.test(origin) && URL.canParse(origin))) {
    throw new Error('must be origins such as https://app.example.com, without a path or *');
  }
  return origins.map((origin) => new URL(origin).origin);
}

const splitList = (text: string): string[] => text.split(',').map((entry) => entry.trim());
