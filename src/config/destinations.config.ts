import type { ConfigType } from '@nestjs/config';
import Joi from 'joi';
import { defineConfig, setting } from './define-config.js';
import { oneOf, parsedBy } from './env-types.js';
import {
  ALL_COUNTRIES,
  parseBlockedTypes,
  parseCountries,
  parseTestNumbers,
  requireLastDays,
} from './list-parsers.js';

export const destinationsConfig = defineConfig('destinations', 'Destinations', {
  allowedCountries: setting(
    'ALLOWED_COUNTRIES',
    parsedBy(parseCountries).default([ALL_COUNTRIES]),
    {
      description:
        'countries that messages may be sent to; in production, `*` logs a warning. `001` allows numbers of no country, such as satellite phones, which `*` does not include',
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
  numberCheck: setting('NUMBER_CHECK', oneOf('valid', 'possible').default('valid'), {
    description:
      'which numbers get messages: those of a known range, or also others of the right length, whose type cannot be blocked',
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
      defaultInWords: 'none',
      example: '+15550001111:123456@2026-12-31',
      isSecret: true,
    },
  ),
});
export type DestinationsConfig = ConfigType<typeof destinationsConfig>;
