import { inspect } from 'node:util';
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';

/** What people put between digits when they write a number (RFC 3966 calls them visual separators). */
const VISUAL_SEPARATORS = /[ ().-]/g;
const E164 = /^\+[1-9]\d{6,14}$/;
const LONGEST_INPUT = 32;

/**
 * A phone number in its one form, E.164 (ITU-T E.164: `+`, country code, at most 15 digits).
 * The digits leave it only through {@link e164}; every way of printing it gives the masked form.
 */
export class PhoneNumber {
  readonly #e164: string;

  private constructor(e164: string) {
    this.#e164 = e164;
  }

  /**
   * Reads a number that its country's numbering plan allows (libphonenumber, full metadata).
   * A spelling that libphonenumber would have to repair, such as `+440 7911 123456` with its
   * stray national zero, is refused: otherwise two spellings of one phone could be two identities.
   */
  static parse(text: unknown): PhoneNumber | undefined {
    if (typeof text !== 'string' || text.length > LONGEST_INPUT) return undefined;
    const e164 = text.replace(VISUAL_SEPARATORS, '');
    if (!E164.test(e164)) return undefined;
    const parsed = parsePhoneNumberFromString(e164);
    return parsed?.number === e164 && parsed.isValid() ? new PhoneNumber(e164) : undefined;
  }

  /** A number that was parsed before, as {@link e164} gave it: a plan that changed since does not matter. */
  static fromE164(e164: string): PhoneNumber {
    return new PhoneNumber(e164);
  }

  /** The number itself, with `+`. Not for logs, answers or labels. */
  get e164(): string {
    return this.#e164;
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
