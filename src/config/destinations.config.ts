import type { ConfigType } from '@nestjs/config';
import Joi from 'joi';
import { configNamespace, optional, setting } from './config-namespace.js';
import { docs, parsed } from './env-types.js';
import {
  parseCountries,
  parseNumberTypes,
  parseTestNumbers,
  requireLastDays,
} from './list-parsers.js';

export const destinationsConfig = configNamespace(
  'destinations',
  { title: 'Who may be texted' },
  {
    /** ISO 3166 codes; `undefined` means every country. */
    allowedCountries: optional(
      'ALLOWED_COUNTRIES',
      parsed(parseCountries)
        .description('countries that may be texted; production warns at `*`')
        .meta(docs({ values: 'ISO 3166 codes, or `*`', defaultText: '*' })),
    ),
    blockedTypes: setting(
      'BLOCKED_NUMBER_TYPES',
      parsed(parseNumberTypes)
        .default(['PREMIUM_RATE', 'SHARED_COST', 'UAN', 'PAGER', 'VOICEMAIL'])
        .description('kinds of numbers that are not texted')
        .meta(docs({ values: 'libphonenumber’s names, or `none`' })),
    ),
    testNumbers: setting(
      'TEST_NUMBERS',
      parsed(parseTestNumbers)
        .when('NODE_ENV', { is: 'production', then: Joi.string().custom(requireLastDays) })
        .default([])
        .example('+15550001111:123456@2026-12-31')
        .description(
          'numbers with a code that is known: no text, to the last day (which production demands)',
        )
        .meta(docs({ values: '`number:code@last day`, …', whenUnset: 'none' })),
    ),
  },
);
export type DestinationsConfig = ConfigType<typeof destinationsConfig>;
