import { SETTINGS } from '../config/config.module.js';
import type { Setting } from '../config/define-config.js';

/** The settings that a client can override. docs/clients.md says why it cannot override the others. */
const OVERRIDABLE_SETTINGS = [
  'ALLOWED_COUNTRIES',
  'BLOCKED_NUMBER_TYPES',
  'BLOCKED_PREFIXES',
  'TRUSTED_PREFIXES',
  'PUMPING_GUARD',
  'OTP_TTL',
  'OTP_MAX_ATTEMPTS',
  'SEND_COOLDOWN',
  'SENDS_PER_NUMBER_PER_DAY',
  'FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR',
  'FAILED_ATTEMPTS_PER_NUMBER_PER_DAY',
  'CLIENT_SENDS_PER_DAY',
  'CLIENT_WRONG_CODES_PER_DAY',
  'CLIENT_UNREACHABLE_PER_DAY',
  'SENDS_PER_END_USER_IP_PER_HOUR',
  'THROTTLE_SEND_LIMIT',
  'THROTTLE_VERIFY_LIMIT',
  'PROVIDERS',
  // The ids of message templates: the default one, and those of further languages.
  'INFOBIP_MESSAGE_ID',
  'INFOBIP_MESSAGE_IDS',
] as const;

/** A field of a client in `CLIENTS_FILE`, and the setting that it overrides. */
export interface OverrideField {
  /** The name of the setting in camel case. */
  readonly name: string;
  readonly setting: Setting<unknown>;
}

export const OVERRIDE_FIELDS: readonly OverrideField[] = OVERRIDABLE_SETTINGS.map((name) => {
  const setting = SETTINGS.find((one) => one.name === name);
  if (!setting) throw new Error(`${name} is not a setting.`);
  return { name: toCamelCase(name), setting };
});

/** `OTP_TTL` becomes `otpTtl`. */
function toCamelCase(name: string): string {
  return name.toLowerCase().replace(/_(.)/g, (_all, letter: string) => letter.toUpperCase());
}
