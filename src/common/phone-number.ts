import { inspect } from 'node:util';
import type { Channel } from './channel.js';
import {
  isSupportedCountry,
  parsePhoneNumberFromString,
  type ParsedPhoneNumber,
  type PhoneNumberType,
} from './numbering-plans.js';
import { findDifferentIdentity, toIdentity } from './phone-identity.js';
import { cleanPhoneNumber } from './phone-number-input.js';

const E164 = /^\+[1-9]\d{6,14}$/;
/** UN M49, the world: numbers of no country, such as satellite phones. */
export const NON_GEOGRAPHIC = '001';

/** The types of numbers that libphonenumber distinguishes. */
export const NUMBER_TYPES = [
  'FIXED_LINE',
  'FIXED_LINE_OR_MOBILE',
  'MOBILE',
  'PAGER',
  'PERSONAL_NUMBER',
  'PREMIUM_RATE',
  'SHARED_COST',
  'TOLL_FREE',
  'UAN',
  'VOICEMAIL',
  'VOIP',
] as const satisfies readonly PhoneNumberType[];

export type NumberType = (typeof NUMBER_TYPES)[number];

/** Whether this is the ISO 3166 code of a country that has phone numbers. */
export const isCountry = (code: string): boolean => isSupportedCountry(code);

/**
 * A phone number in E.164 form (ITU-T E.164: `+`, country code, at most 15 digits). Only {@link e164}
 * and {@link identity} return the digits; printing and serializing give the masked form.
 */
export class PhoneNumber {
  readonly #e164: string;
  #identity: string | undefined;
  #parsed: ParsedPhoneNumber | undefined;

  private constructor(e164: string, parsed?: ParsedPhoneNumber) {
    this.#e164 = e164;
    this.#parsed = parsed;
  }

  /**
   * Parses a number with a length that its country has (libphonenumber); {@link type} shows whether
   * the numbering plan has the number. A number that libphonenumber would correct, such as `+440 7911 123456`
   * with a national zero, is invalid, except for the spellings in `phone-identity.ts`.
   * @returns `undefined` for any other value
   */
  static parse(value: unknown): PhoneNumber | undefined {
    if (typeof value !== 'string') return undefined;
    // Most clients send E.164 already.
    const cleaned = E164.test(value) ? value : cleanPhoneNumber(value);
    if (cleaned === undefined || !E164.test(cleaned)) return undefined;
    const different = findDifferentIdentity(cleaned);
    const e164 = different && !different.isSpellingCallable ? different.identity : cleaned;
    const parsed = parsePhoneNumberFromString(e164);
    return parsed?.number === e164 && parsed.isPossible()
      ? new PhoneNumber(e164, parsed)
      : undefined;
  }

  /** Whether a text has the form of {@link e164}; the numbering plan is not checked. */
  static isE164(text: unknown): text is string {
    return typeof text === 'string' && E164.test(text);
  }

  /** Restores a number from {@link e164}, even if the numbering plan has changed since. */
  static fromE164(e164: string): PhoneNumber {
    return new PhoneNumber(e164);
  }

  /** The full number that a provider messages, with `+`. Not for logs, responses or labels. */
  get e164(): string {
    return this.#e164;
  }

  /**
   * Identifies the phone in limits, look-ups and an erase: the same for all spellings of one phone, in
   * E.164 form. Differs from {@link e164} only for an Argentine number without the 9. Not for logs either.
   */
  get identity(): string {
    return (this.#identity ??= toIdentity(this.#e164));
  }

  /**
   * The number of this phone on a channel. A call goes to the number as it was given, because without
   * the 9 an Argentine number may be a fixed line. Any other message goes to the mobile phone.
   */
  forChannel(channel: Channel): PhoneNumber {
    if (channel === 'voice' || this.identity === this.#e164) return this;
    return new PhoneNumber(this.identity);
  }

  /**
   * ISO 3166 code, or {@link NON_GEOGRAPHIC}. If no plan has the number, the main country of its country
   * code: new ranges are in use weeks before libphonenumber knows them.
   */
  get country(): string {
    const { metadata } = this;
    if (metadata?.country !== undefined) return metadata.country;
    const [mainCountry] = metadata?.isNonGeographic()
      ? []
      : (metadata?.getPossibleCountries() ?? []);
    return mainCountry ?? NON_GEOGRAPHIC;
  }

  /** Type in the country's numbering plan; `undefined` if the plan has no such number. */
  get type(): NumberType | undefined {
    return this.metadata?.getType();
  }

  /** The identity without its last four digits: the block of 10,000 numbers that contains it. */
  get prefix(): string {
    return this.identity.slice(0, -4);
  }

  private get metadata(): ParsedPhoneNumber | undefined {
    return (this.#parsed ??= parsePhoneNumberFromString(this.#e164));
  }

  /** The identity as `+1415•••2671`; hides at least three digits in the middle. */
  get masked(): string {
    const digits = this.identity.slice(1);
    const tail = Math.min(4, Math.floor((digits.length - 3) / 2));
    const head = Math.min(4, digits.length - 3 - tail);
    return `+${digits.slice(0, head)}•••${digits.slice(-tail)}`;
  }

  toString(): string {
    return this.masked;
  }

  toJSON(): string {
    return this.masked;
  }

  [inspect.custom](): string {
    return this.masked;
  }
}
