import { canonicalizeLocale, isLanguageTag } from '../common/locale.js';
import { findClosestWord } from '../common/closest-word.js';
import type { ProviderName } from '../common/provider-name.js';
import type { Environment } from '../config/define-config.js';
import { findPrefixErrors } from '../config/destinations.config.js';
import { parseKeyHash } from '../config/api-keys.js';
import { otpConfig } from '../config/otp.config.js';
import { providersConfig } from '../config/providers.config.js';
import type { ClientOverrides } from './client-rules.js';
import { OVERRIDE_FIELDS } from './override-fields.js';
import { parseSetting, toSettingText } from './setting-text.js';

/** A client in `CLIENTS_FILE`. */
export interface ParsedClient {
  /** SHA-256 of each of its API keys. */
  readonly keyHashes: readonly Buffer[];
  readonly overrides: ClientOverrides;
  /** Text of each field except `keys`, by its name in `CLIENTS_FILE`. The log shows its changes. */
  readonly fieldTexts: ReadonlyMap<string, string>;
}

/** The fields that override no setting. */
const OTHER_FIELDS = ['keys', 'locale'];
const FIELD_NAMES = [...OTHER_FIELDS, ...OVERRIDE_FIELDS.map(({ name }) => name)];
/** An error shows the name of an unknown field only in this form: it cannot be a phone number. */
const SHOWN_NAME = /^[a-z_-]{1,64}$/i;

/**
 * Parses the fields of a client. Adds a sentence to `errors` for each error.
 * @param client its name
 * @param env the settings, which some fields must not exceed
 */
export function parseClient(
  client: string,
  fields: unknown,
  env: Environment,
  errors: string[],
): ParsedClient {
  const path = `clients.${client}`;
  const fieldTexts = new Map<string, string>();
  const values: Record<string, unknown> = {};
  if (!(fields instanceof Map)) {
    errors.push(`${path} must have fields, at least keys`);
    return { keyHashes: [], overrides: { values, locale: '' }, fieldTexts };
  }
  errors.push(...findUnknownFields(path, fields));
  for (const { name, setting } of OVERRIDE_FIELDS) {
    if (!fields.has(name)) continue;
    const text = toSettingText(fields.get(name));
    const { value, error } = parseSetting(setting.schema, `${path}.${name}`, text);
    if (error !== undefined) errors.push(error);
    values[setting.name] = value;
    fieldTexts.set(name, text ?? '');
  }
  errors.push(...findExceededSettings(path, values, env), ...findPrefixClash(path, values, env));
  const locale = parseLocale(path, fields.get('locale'), errors);
  if (locale !== '') fieldTexts.set('locale', locale);
  return {
    keyHashes: parseKeys(path, fields.get('keys'), errors),
    overrides: { values, locale },
    fieldTexts,
  };
}

function findUnknownFields(path: string, fields: ReadonlyMap<unknown, unknown>): string[] {
  return [...fields.keys()]
    .filter((name) => !FIELD_NAMES.some((fieldName) => fieldName === name))
    .map((name) => {
      if (typeof name !== 'string' || !SHOWN_NAME.test(name)) {
        return `${path} has an unknown field`;
      }
      const closest = findClosestWord(name, FIELD_NAMES);
      const hint = closest === undefined ? '' : `: did you mean ${closest}?`;
      return `${path} has an unknown field ${name}${hint}`;
    });
}

/**
 * An error for each field that exceeds its setting, or names a provider that `PROVIDERS` does not. The
 * settings match the providers: `infobip:setup` gives `OTP_TTL` and `OTP_MAX_ATTEMPTS` to Infobip.
 */
function findExceededSettings(
  path: string,
  ownValues: Readonly<Record<string, unknown>>,
  env: Environment,
): string[] {
  const { ttlMs, maxAttempts } = otpConfig(env);
  const { names } = providersConfig(env);
  const isAbove = (value: unknown, max: number) => typeof value === 'number' && value > max;
  const providers = (ownValues['PROVIDERS'] ?? []) as readonly ProviderName[];
  return [
    ...(isAbove(ownValues['OTP_TTL'], ttlMs) ? [`${path}.otpTtl must be at most OTP_TTL`] : []),
    ...(isAbove(ownValues['OTP_MAX_ATTEMPTS'], maxAttempts)
      ? [`${path}.otpMaxAttempts must be at most OTP_MAX_ATTEMPTS`]
      : []),
    ...(providers.every((name) => names.includes(name))
      ? []
      : [`${path}.providers must be a part of PROVIDERS`]),
  ];
}

/**
 * The error if a prefix is both blocked and trusted. If the client has only one of the two lists, the
 * other is that of the settings.
 */
function findPrefixClash(
  path: string,
  ownValues: Readonly<Record<string, unknown>>,
  env: Environment,
): string[] {
  const values = { ...env.values, ...ownValues };
  // A list with an error is `undefined`. That error has been reported.
  const areListsValid = ['BLOCKED_PREFIXES', 'TRUSTED_PREFIXES'].every((name) =>
    Array.isArray(values[name]),
  );
  if (!areListsValid || findPrefixErrors({ ...env, values }).length === 0) return [];
  return [
    `${path} must not have the same prefix in blockedPrefixes and trustedPrefixes; if one of them is missing, its setting applies`,
  ];
}

function parseLocale(path: string, tag: unknown, errors: string[]): string {
  if (tag === undefined) return '';
  const locale = isLanguageTag(tag) ? canonicalizeLocale(tag) : '';
  if (locale === '') errors.push(`${path}.locale must be a language tag such as de or pt-BR`);
  return locale;
}

/** Parses the list of key hashes. It may be empty: then the client cannot authenticate. */
function parseKeys(path: string, value: unknown, errors: string[]): Buffer[] {
  const hashes = Array.isArray(value)
    ? value.map((text: unknown) => (typeof text === 'string' ? parseKeyHash(text) : undefined))
    : [undefined];
  if (!hashes.every((hash) => hash !== undefined)) {
    errors.push(
      `${path}.keys must be a list of SHA-256 hashes in hex; npm run keys:new makes a key`,
    );
    return [];
  }
  return hashes;
}
