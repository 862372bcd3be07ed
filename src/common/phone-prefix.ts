import { toIdentity } from './phone-identity.js';
import { cleanPhoneNumber } from './phone-number-input.js';
import type { PhoneNumber } from './phone-number.js';

/** `+` and the first digits of E.164 numbers, or all digits of one. */
const PREFIX = /^\+[1-9]\d{0,14}$/;

/**
 * The first digits of the spellings in `phone-identity.ts`, and how the identities of those numbers
 * begin.
 */
const OTHER_SPELLINGS: readonly (readonly [RegExp, string])[] = [
  // Mexico, with the 1 that mobile numbers had after +52.
  [/^\+521/, '+52'],
  // Brazil, without the 9 that mobile numbers have after the area code. Digits that begin with 9 stay
  // unchanged, because they may have it already.
  [/^(\+55[1-9]{2})(?=[6-8])/, '$19'],
  // Benin, without the 01.
  [/^\+229(?=[1-9])/, '+22901'],
  // Palestine, with the country code of Israel.
  [/^\+972(?=5[69])/, '+970'],
];

/** Argentina, without the 9 of mobile numbers: fixed lines begin like this, so both forms apply. */
const ARGENTINE_AREA = /^\+54(?=[1-3])/;

/**
 * Parses the first digits of numbers, with `+`, or a complete number.
 * @returns how the identities of those numbers begin; `undefined` for any other text
 */
export function parsePhonePrefix(text: string): readonly string[] | undefined {
  const prefix = cleanPhoneNumber(text);
  if (prefix === undefined || !PREFIX.test(prefix)) return undefined;
  const identity = toIdentity(prefix);
  // A complete number in another spelling.
  if (identity !== prefix) return [identity];
  if (ARGENTINE_AREA.test(prefix)) return [prefix, prefix.replace(ARGENTINE_AREA, '+549')];
  const [spelling, replacement] = OTHER_SPELLINGS.find(([form]) => form.test(prefix)) ?? [];
  return [spelling && replacement ? prefix.replace(spelling, replacement) : prefix];
}

export type PrefixRule = 'blocked' | 'trusted';

/** Blocks or trusts numbers by their first digits. Of several prefixes, the longest decides. */
export class PrefixRules {
  private readonly ruleByPrefix: ReadonlyMap<string, PrefixRule>;
  /** The lengths of the prefixes, longest first. */
  private readonly lengths: readonly number[];

  /** Both lists contain first digits of {@link PhoneNumber.identity}. */
  constructor(blocked: readonly string[], trusted: readonly string[]) {
    this.ruleByPrefix = new Map([
      ...trusted.map((prefix) => [prefix, 'trusted'] as const),
      ...blocked.map((prefix) => [prefix, 'blocked'] as const),
    ]);
    const lengths = [...this.ruleByPrefix.keys()].map((prefix) => prefix.length);
    this.lengths = [...new Set(lengths)].sort((one, other) => other - one);
  }

  /** The rule for a number; `undefined` if no prefix matches. */
  find(number: PhoneNumber): PrefixRule | undefined {
    for (const length of this.lengths) {
      const rule = this.ruleByPrefix.get(number.identity.slice(0, length));
      if (rule) return rule;
    }
    return undefined;
  }
}
