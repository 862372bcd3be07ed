import { isAddressOrCidr } from '../common/network-address.js';
import { isCountry, NUMBER_TYPES, type NumberType } from '../common/phone-number.js';
import { PROVIDER_NAMES, type ProviderName } from '../common/provider-name.js';
import { parseTestNumber, type TestNumber } from '../common/test-number.js';

/*
 * Settings that are lists. Each reader throws an Error that says what an entry looks like, and never
 * repeats one: an entry may be a secret or somebody's number.
 */

/** A key that lets a client in. */
export interface ApiKey {
  readonly client: string;
  /** SHA-256 of the key. */
  readonly hash: Buffer;
}

const API_KEY = /^([a-z0-9][a-z0-9._-]{0,63}):([0-9a-f]{64})$/i;
const ORIGIN = /^https?:\/\/[^/?#@*]+$/i;
const HOPS = /^[1-9]\d?$/;
const EVERYBODY = /\/0+$/;

/** Reads `name:<sha-256 of the key, hex>` entries; a name may have several. */
export function readApiKeys(text: string): ApiKey[] {
  return entriesOf(text).map((entry) => {
    const [, client, hash] = API_KEY.exec(entry) ?? [];
    if (client === undefined || hash === undefined) {
      throw new Error(
        'must be entries like name:<sha-256 of the key, hex>; npm run keys:new makes one',
      );
    }
    return { client, hash: Buffer.from(hash, 'hex') };
  });
}

/** Reads ISO 3166 codes; `*` is every country, and `undefined`. */
export function readCountries(text: string): string[] | undefined {
  if (text.trim() === '*') return undefined;
  const codes = entriesOf(text.toUpperCase());
  if (!codes.every(isCountry)) throw new Error('must be * or ISO 3166 codes such as DE,AT,CH');
  return codes;
}

/** Reads libphonenumber's names of number types; `none` is none. */
export function readNumberTypes(text: string): NumberType[] {
  if (text.trim().toLowerCase() === 'none') return [];
  const isType = (name: string): name is NumberType =>
    (NUMBER_TYPES as readonly string[]).includes(name);
  const names = entriesOf(text.toUpperCase());
  if (!names.every(isType)) throw new Error(`must be none or some of ${NUMBER_TYPES.join(', ')}`);
  return names;
}

/** Reads the names of providers, in order of preference. */
export function readProviders(text: string): ProviderName[] {
  const isProvider = (name: string): name is ProviderName =>
    (PROVIDER_NAMES as readonly string[]).includes(name);
  const names = entriesOf(text);
  if (!names.every(isProvider) || new Set(names).size < names.length) {
    throw new Error(`must be different ones of ${PROVIDER_NAMES.join(', ')}`);
  }
  return names;
}

export function readTestNumbers(text: string): TestNumber[] {
  return entriesOf(text).map((entry) => {
    const testNumber = parseTestNumber(entry);
    if (!testNumber) throw new Error('must be entries like +15550001111:123456@2026-12-31');
    return testNumber;
  });
}

/** Reads how many proxies stand in front, or their networks. */
export function readProxies(text: string): number | string[] {
  if (HOPS.test(text)) return Number(text);
  const networks = entriesOf(text);
  if (!networks.every((network) => isAddressOrCidr(network) && !EVERYBODY.test(network))) {
    throw new Error('must be a number of hops from 1 to 99, or networks such as 10.0.0.0/8');
  }
  return networks;
}

/** Reads origins as a browser names them (RFC 6454 §6.2): no path, no pattern. */
export function readOrigins(text: string): string[] {
  const origins = entriesOf(text);
  if (!origins.every((origin) => ORIGIN.test(origin) && URL.canParse(origin))) {
    throw new Error('must be origins such as https://app.example.com, without a path or *');
  }
  return origins.map((origin) => new URL(origin).origin);
}

const entriesOf = (text: string): string[] => text.split(',').map((entry) => entry.trim());
