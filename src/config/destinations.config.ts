import type { ConfigType } from '@nestjs/config';
import Joi from 'joi';
import { defineConfig, setting, type Environment } from './define-config.js';
import { oneOf, parsedBy } from './env-types.js';
import {
  ALL_COUNTRIES,
  parseBlockedTypes,
  parseCountries,
  parsePrefixes,
  parseTestNumbers,
  requireLastDays,
} from './list-parsers.js';

export const destinationsConfig = defineConfig('destinations', 'Destinations', {
  allowedCountries: setting(
    'ALLOWED_COUNTRIES',
    parsedBy(parseCountries).default([ALL_COUNTRIES]),
    {
      description:
        'countries that messages may be sent to; in production, `ALLOWED_COUNTRIES=*` logs a warning. `001` allows numbers of no country, such as satellite phones, which `*` does not include',
      values: 'ISO 3166 codes, `*`, `001`',
    },
  ),
  blockedTypes: setting(
    'BLOCKED_NUMBER_TYPES',
    parsedBy(parseBlockedTypes).default([
      'PREMIUM_RATE',
      'SHARED_COST',
      'PERSONAL_NUMBER',
      'UAN',
      'PAGER',
      'VOICEMAIL',
      'sms:FIXED_LINE',
    ]),
    {
      description: 'types of numbers that no message is sent to, on every channel or on one',
      values: 'types of libphonenumber, `sms:type`, `voice:type`, `whatsapp:type`, or `none`',
    },
  ),
  /** Prefixes in the spelling of `PhoneNumber.identity`. */
  blockedPrefixes: setting('BLOCKED_PREFIXES', parsedBy(parsePrefixes).default([]), {
    description:
      'first digits of numbers that no message is sent to, or complete numbers. If `TRUSTED_PREFIXES` matches a number too, the longer prefix decides',
    values: '`+` and digits, …, or `none`',
    defaultInWords: 'none',
    example: '+2547,+447700900123',
    isSecret: true,
  }),
  /** Prefixes in the spelling of `PhoneNumber.identity`. */
  trustedPrefixes: setting('TRUSTED_PREFIXES', parsedBy(parsePrefixes).default([]), {
    description:
      'first digits of numbers, or complete numbers, that `ALLOWED_COUNTRIES`, `BLOCKED_NUMBER_TYPES` and the fraud protection do not stop; every other limit applies',
    values: '`+` and digits, …, or `none`',
    defaultInWords: 'none',
    example: '+4915112345678',
    isSecret: true,
  }),
  numberCheck: setting('NUMBER_CHECK', oneOf('valid', 'possible').default('valid'), {
    description:
      'which numbers get messages: those in a known range, or all of the right length. Outside known ranges the type is unknown, so `BLOCKED_NUMBER_TYPES` does not apply',
  }),
  testNumbers: setting(
    'TEST_NUMBERS',
    parsedBy(parseTestNumbers)
      .when('NODE_ENV', { is: 'production', then: Joi.any().custom(requireLastDays) })
      .default([]),
    {
      description:
        'numbers with a fixed code, which get no message; in production each needs a last day',
      values: '`number:code@last day`, …',
      defaultInWords: 'no test numbers',
      example: '+15550001111:123456@2026-12-31',
      isSecret: true,
    },
  ),
});
export type DestinationsConfig = ConfigType<typeof destinationsConfig>;

/** The error if a prefix is both blocked and trusted. Call it only if both settings are valid. */
export function findPrefixErrors(env: Environment): string[] {
  const { blockedPrefixes, trustedPrefixes } = destinationsConfig(env);
  if (!blockedPrefixes.some((prefix) => trustedPrefixes.includes(prefix))) return [];
  return ['BLOCKED_PREFIXES and TRUSTED_PREFIXES must not have the same prefix'];
}
