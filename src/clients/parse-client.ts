import { canonicalizeLocale, isLanguageTag } from '../common/locale.js';
import { findClosestWord } from '../common/closest-word.js';
import type { ProviderName } from '../common/provider-name.js';
import type { Environment } from '../config/define-config.js';
import { findPrefixErrors } from '../config/destinations.config.js';
import { parseKeyHash } from '../config/list-parsers.js';
import { otpConfig } from '../config/otp.config.js';
import { providersConfig } from '../config/providers.config.js';
import type { ClientOverrides } from './client-rules.js';
import { RULE_FIELDS } from './rule-fields.js';
import { parseSetting, toSettingText } from './setting-text.js';

/** A client as the file describes it. */
export interface ParsedClient {
  /** SHA-256 of each of its API keys. */
  readonly keys: readonly Buffer[];
  readonly overrides: ClientOverrides;
  /** What the file says, by field, to describe changes. Without the keys. */
  readonly texts: ReadonlyMap<string, string>;
}

const OWN_FIELDS = ['keys', 'locale'];
const FIELD_NAMES = [...OWN_FIELDS, ...RULE_FIELDS.map(({ name }) => name)];
/** A name that can be shown: it holds no phone number. */
const SHOWN_NAME = /^[a-z_-]{1,64}$/i;

/**
 * Parses the fields of a client.
 * @param errors gets a sentence for each error
 */
export function parseClient(
  client: string,
  fields: unknown,
  env: Environment,
  errors: string[],
): ParsedClient {
  const path = `clients.${client}`;
  const texts = new Map<string, string>();
  const values: Record<string, unknown> = {};
  if (!(fields instanceof Map)) {
    errors.push(`${path} must have fields, at least keys`);
    return { keys: [], overrides: { values, locale: '' }, texts };
  }
  errors.push(...findUnknownFields(path, fields));
  for (const { name, setting } of RULE_FIELDS) {
    if (!fields.has(name)) continue;
    const text = toSettingText(fields.get(name));
    const { value, error } = parseSetting(setting.schema, `${path}.${name}`, text);
    if (error !== undefined) errors.push(error);
    values[setting.name] = value;
    texts.set(name, text ?? '');
  }
  errors.push(...findExceededSettings(path, values, env), ...findPrefixClash(path, values, env));
  const locale = parseLocale(path, fields.get('locale'), errors);
  if (locale !== '') texts.set('locale', locale);
  return {
    keys: parseKeys(path, fields.get('keys'), errors),
    overrides: { values, locale },
    texts,
  };
}

function findUnknownFields(path: string, fields: ReadonlyMap<unknown, unknown>): string[] {
  return [...fields.keys()]
    .filter((name) => !FIELD_NAMES.some((known) => known === name))
    .map((name) => {
      if (typeof name !== 'string' || !SHOWN_NAME.test(name)) {
        return `${path} has an unknown field`;
      }
      const closest = findClosestWord(name, FIELD_NAMES);
      const hint = closest === undefined ? '' : `: did you mean ${closest}?`;
      return `${path} has an unknown field ${name}${hint}`;
    });
}

/** The providers were set up for the settings, so a client can only have less. */
function findExceededSettings(
  path: string,
  own: Readonly<Record<string, unknown>>,
  env: Environment,
): string[] {
  const { ttlMs, maxAttempts } = otpConfig(env);
  const { names } = providersConfig(env);
  const isAbove = (value: unknown, most: number) => typeof value === 'number' && value > most;
  const providers = (own['PROVIDERS'] ?? []) as readonly ProviderName[];
  return [
    ...(isAbove(own['OTP_TTL'], ttlMs) ? [`${path}.otpTtl must be at most OTP_TTL`] : []),
    ...(isAbove(own['OTP_MAX_ATTEMPTS'], maxAttempts)
      ? [`${path}.otpMaxAttempts must be at most OTP_MAX_ATTEMPTS`]
      : []),
    ...(providers.every((name) => names.includes(name))
      ? []
      : [`${path}.providers must be a part of PROVIDERS`]),
  ];
}

/** A prefix of the client may also be one of the settings, if the client has only one of the lists. */
function findPrefixClash(
  path: string,
  own: Readonly<Record<string, unknown>>,
  env: Environment,
): string[] {
  const values = { ...env.values, ...own };
  const areValid = ['BLOCKED_PREFIXES', 'TRUSTED_PREFIXES'].every((name) =>
    Array.isArray(values[name]),
  );
  if (!areValid || findPrefixErrors({ ...env, values }).length === 0) return [];
  return [
    `${path} must not have the same prefix in blockedPrefixes and trustedPrefixes; a missing one is the setting`,
  ];
}

function parseLocale(path: string, tag: unknown, errors: string[]): string {
  if (tag === undefined) return '';
  const locale = isLanguageTag(tag) ? canonicalizeLocale(tag) : '';
  if (locale === '') errors.push(`${path}.locale must be a language tag such as de or pt-BR`);
  return locale;
}

/** An empty list keeps a client out. */
function parseKeys(path: string, value: unknown, errors: string[]): Buffer[] {
  const keys = Array.isArray(value)
    ? value.map((text: unknown) => (typeof text === 'string' ? parseKeyHash(text) : undefined))
    : [undefined];
  if (!keys.every((hash) => hash !== undefined)) {
    errors.push(
      `${path}.keys must be a list of SHA-256 hashes in hex; npm run keys:new makes a key`,
    );
    return [];
  }
  return keys;
}
