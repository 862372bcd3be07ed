import { createRequire } from 'node:module';
import { inspect } from 'node:util';
import type * as Libphonenumber from 'libphonenumber-js/max';

type Parsed = Libphonenumber.PhoneNumber;

/** In the form in which class-validator loads it too, so that the world's plans are in memory once. */
const { isSupportedCountry, parsePhoneNumberFromString } = createRequire(import.meta.url)(
  'libphonenumber-js/max',
) as typeof Libphonenumber;

/** What people put between digits when they write a number (RFC 3966 calls them visual separators). */
const VISUAL_SEPARATORS = /[ ().-]/g;
const E164 = /^\+[1-9]\d{6,14}$/;
const LONGEST_INPUT = 32;
const WORLD = '001';

/** The kinds of numbers that libphonenumber tells apart. */
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
] as const satisfies readonly Libphonenumber.PhoneNumberType[];

export type NumberType = (typeof NUMBER_TYPES)[number];

/** Whether this is the ISO 3166 code of a country that has phone numbers. */
export const isCountry = (code: string): boolean => isSupportedCountry(code);

/**
 * A phone number in its one form, E.164 (ITU-T E.164: `+`, country code, at most 15 digits).
 * The digits leave it only through {@link e164}; every way of printing it gives the masked form.
 */
export class PhoneNumber {
  readonly #e164: string;
  #parsed: Parsed | undefined;

  private constructor(e164: string, parsed?: Parsed) {
    this.#e164 = e164;
    this.#parsed = parsed;
  }

  /**
   * Reads a number that is of a length that its country has (libphonenumber). Whether the numbering
   * plan allows it is what its {@link type} tells. A spelling that libphonenumber would have to repair, such as `+440 7911 123456` with its
   * stray national zero, is refused: otherwise two spellings of one phone could be two identities.
   */
  static parse(text: unknown): PhoneNumber | undefined {
    if (typeof text !== 'string' || text.length > LONGEST_INPUT) return undefined;
    const e164 = text.replace(VISUAL_SEPARATORS, '');
    if (!E164.test(e164)) return undefined;
    const parsed = parsePhoneNumberFromString(e164);
    return parsed?.number === e164 && parsed.isPossible()
      ? new PhoneNumber(e164, parsed)
      : undefined;
  }

  /** A number that was parsed before, as {@link e164} gave it: a plan that changed since does not matter. */
  static fromE164(e164: string): PhoneNumber {
    return new PhoneNumber(e164);
  }

  /** The number itself, with `+`. Not for logs, answers or labels. */
  get e164(): string {
    return this.#e164;
  }

  /** ISO 3166 code; `001`, the world (UN M49), where it belongs to none, as `+800…` does. */
  get country(): string {
    return this.plan?.country ?? WORLD;
  }

  /** Its kind by its country's numbering plan; `undefined` where that has no such number. */
  get type(): NumberType | undefined {
    return this.plan?.getType();
  }

  /** E.164 less the last four digits: the ten thousand numbers that it was handed out with. */
  get prefix(): string {
    return this.#e164.slice(0, -4);
  }

  private get plan(): Parsed | undefined {
    return (this.#parsed ??= parsePhoneNumberFromString(this.#e164));
  }

  /** `+1415•••2671`: at least three digits in the middle are hidden. */
  get masked(): string {
    const digits = this.#e164.slice(1);
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
