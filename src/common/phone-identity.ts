import { parsePhoneNumberFromString, type PhoneNumberType } from './numbering-plans.js';

/*
 * Some phones have a number with two spellings that both look like E.164. Limits, look-ups and an erase
 * must not depend on the spelling, so each phone has one identity: the spelling of today's numbering
 * plan. Two numbers count as one phone only if the regulator or libphonenumber says so, and libphonenumber
 * has the identity in its plan. `docs/api.md` says why old and new numbers of other countries count as two.
 */

/** A way to write numbers that differs from their identity. */
interface OtherSpelling {
  readonly pattern: RegExp;
  /** @returns the number in today's plan; it counts only if libphonenumber knows it */
  readonly toIdentity: (e164: string) => string | undefined;
  /** The types that the identity may have; by default any. */
  readonly types?: readonly PhoneNumberType[];
  /** Whether the number can be a fixed line, which calls reach only in this spelling. */
  readonly isSpellingCallable?: true;
  /** Whether libphonenumber has the spelling in its plan, too. */
  readonly isSpellingInPlan?: true;
}

/** The identity of an E.164 number in another spelling. */
export interface DifferentIdentity {
  readonly identity: string;
  /** Whether calls go to the number in its own spelling; if not, they go to the identity. */
  readonly isSpellingCallable: boolean;
}

const MOBILE = ['MOBILE', 'FIXED_LINE_OR_MOBILE'] as const satisfies readonly PhoneNumberType[];

const OTHER_SPELLINGS: readonly OtherSpelling[] = [
  // Argentina, without the 9 that mobile numbers have after +54. Area code and subscriber number have
  // ten digits and are assigned once, to a fixed line or to a mobile phone (Plan Fundamental de
  // Numeración Nacional, ENACOM). libphonenumber has the same ranges for both.
  {
    pattern: /^\+54[1-3]\d{9}$/,
    toIdentity: (e164) => e164.replace('+54', '+549'),
    types: MOBILE,
    isSpellingCallable: true,
  },
  // Argentina, with the 15 that is dialled within the country, after the area code. libphonenumber
  // knows where area codes end: it removes the 15 and adds the 9 after +54.
  {
    pattern: /^\+54[1-3]\d{1,3}15\d{6,8}$/,
    toIdentity: (e164) => parsePhoneNumberFromString(e164)?.number,
    types: MOBILE,
  },
  // Mexico, with the 1 that mobile numbers had after +52 until August 2019 (IFT, Plan Técnico
  // Fundamental de Numeración). WhatsApp still shows it.
  {
    pattern: /^\+521\d{10}$/,
    toIdentity: (e164) => e164.replace('+521', '+52'),
    types: MOBILE,
  },
  // Brazil, without the 9 in front that all mobile numbers had by November 2016 (Anatel,
  // Resolução 553/2010). WhatsApp still shows numbers without it.
  {
    pattern: /^\+55[1-9]{2}[6-9]\d{7}$/,
    toIdentity: (e164) => `${e164.slice(0, 5)}9${e164.slice(5)}`,
    types: MOBILE,
  },
  // Benin, without the 01 in front that all numbers have since 30 November 2024 (ARCEP Bénin).
  { pattern: /^\+229\d{8}$/, toIdentity: (e164) => e164.replace('+229', '+22901') },
  // Palestine, with the country code of Israel: calls reach its mobile phones by both codes, so
  // libphonenumber has their numbers in both plans (google/libphonenumber, issue 1134).
  {
    pattern: /^\+9725[69]\d{7}$/,
    toIdentity: (e164) => e164.replace('+972', '+970'),
    types: MOBILE,
    isSpellingInPlan: true,
  },
];

/** Finds the identity of an E.164 number; `undefined` if the number itself is the identity. */
export function findDifferentIdentity(e164: string): DifferentIdentity | undefined {
  const spelling = OTHER_SPELLINGS.find(({ pattern }) => pattern.test(e164));
  const identity = spelling?.toIdentity(e164);
  if (!spelling || identity === undefined || identity === e164) return undefined;
  const { types, isSpellingCallable = false, isSpellingInPlan = isSpellingCallable } = spelling;
  const type = findType(identity);
  if (type === undefined || (types && !types.includes(type))) return undefined;
  // If the plans have both numbers, they may be two phones, except where noted above.
  return isSpellingInPlan || findType(e164) === undefined
    ? { identity, isSpellingCallable }
    : undefined;
}

/** The identity of an E.164 number: the same for all spellings of one phone. */
export const toIdentity = (e164: string): string => findDifferentIdentity(e164)?.identity ?? e164;

/** @returns the type in the numbering plan; `undefined` if the plan has no such number */
const findType = (e164: string): PhoneNumberType | undefined => {
  const parsed = parsePhoneNumberFromString(e164);
  return parsed?.number === e164 ? parsed.getType() : undefined;
};
