import { createRequire } from 'node:module';
import type * as Libphonenumber from 'libphonenumber-js/max';

/**
 * libphonenumber-js is loaded by `require`, as class-validator loads it. So its numbering plans are in
 * memory only once.
 */
export const { isSupportedCountry, parsePhoneNumberFromString, validatePhoneNumberLength } =
  createRequire(import.meta.url)('libphonenumber-js/max') as typeof Libphonenumber;

export type ParsedPhoneNumber = Libphonenumber.PhoneNumber;
export type PhoneNumberType = Libphonenumber.PhoneNumberType;
