import type { ConfigType } from '@nestjs/config';
import Joi from 'joi';
import { defineConfig, optional, setting } from './define-config.js';
import { parsedBy } from './env-types.js';
import {
  parseCountries,
  parseNumberTypes,
  parseTestNumbers,
  requireLastDays,
} from './list-parsers.js';

export const destinationsConfig = defineConfig('destinations', 'Destinations', {
  /** ISO 3166 codes; `undefined` means every country. */
  allowedCountries: optional('ALLOWED_COUNTRIES', parsedBy(parseCountries), {
    description: 'countries that messages may be sent to; in production, `*` logs a warning',
    values: 'ISO 3166 codes, or `*`',
    defaultValue: '*',
  }),
  blockedTypes: setting(
    'BLOCKED_NUMBER_TYPES',
    parsedBy(parseNumberTypes).default([
      'PREMIUM_RATE',
      'SHARED_COST',
      'UAN',
      'PAGER',
      'VOICEMAIL',
    ]),
    {
      description: 'types of numbers that no message is sent to',
      values: 'types of libphonenumber, or `none`',
    },
  ),
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
    },
  ),
});
export type DestinationsConfig = ConfigType<typeof destinationsConfig>;
