import Joi from 'joi';
import type { TestNumber } from '../../common/test-number.js';
import { readCountries, readNumberTypes, readTestNumbers } from '../list-settings.js';
import { list, meta, type SettingGroup } from '../setting-kinds.js';

/** A number whose code is known beforehand is a way in: in production each has to end. */
function readEndingTestNumbers(text: string): TestNumber[] {
  const testNumbers = readTestNumbers(text);
  if (testNumbers.some(({ endsAt }) => endsAt === undefined)) {
    throw new Error(
      'must each have a last day in production, as in +15550001111:123456@2026-12-31',
    );
  }
  return testNumbers;
}

export const DESTINATIONS = {
  title: 'Who may be texted',
  settings: {
    ALLOWED_COUNTRIES: list(readCountries)
      .description('countries that may be texted; production warns at `*`')
      .meta(meta({ values: 'ISO 3166 codes, or `*`', fallback: '*' })),
    BLOCKED_NUMBER_TYPES: list(readNumberTypes)
      .default(['PREMIUM_RATE', 'SHARED_COST', 'UAN', 'PAGER', 'VOICEMAIL'])
      .description('kinds of numbers that are not texted')
      .meta(meta({ values: 'libphonenumber’s names, or `none`' })),
    TEST_NUMBERS: Joi.when('NODE_ENV', {
      is: 'production',
      then: list(readEndingTestNumbers).default([]),
      otherwise: list(readTestNumbers).default([]),
    })
      .example('+15550001111:123456@2026-12-31')
      .description(
        'numbers with a code that is known: no text, to the last day (which production demands)',
      )
      .meta(meta({ values: '`number:code@last day`, …', unset: 'none' })),
  },
} satisfies SettingGroup;
