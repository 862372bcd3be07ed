import { parsePhoneNumberFromString, type PhoneNumberType } from './numbering-plans.js';

/*
 * Some phones have a number with two spellings that both look like E.164. Limits, look-ups and an erase
 * must not depend on the spelling, so each phone has one identity: the spelling of today's numbering
 * plan. Two numbers are only taken for one phone if the regulator says so, and libphonenumber has the
 * identity in its plan. `docs/api.md` says why old and new numbers of other countries count as two.
 */

/** Another spelling of a number. */
interface Spelling {
  readonly pattern: RegExp;
  /** @returns the number in today's plan, if it has one; libphonenumber must know it */
  readonly toIdentity: (e164: string) => string | undefined;
  /** The types that the identity may have; by default any. */
  readonly types?: readonly PhoneNumberType[];
  /** Whether the plan also has the spelling itself, as a fixed line that can be called. */
  readonly isCallable?: true;
}

/** An E.164 number whose phone has another identity. */
export interface OtherSpelling {
  readonly identity: string;
  /** Whether calls go to the number as it was given; otherwise only the identity is in use. */
  readonly isCallable: boolean;
}

const MOBILE = ['MOBILE', 'FIXED_LINE_OR_MOBILE'] as const satisfies readonly PhoneNumberType[];

const SPELLINGS: readonly Spelling[] = [
  // Argentina, without the 9 that mobile numbers have after +54. Area code and subscriber number have
  // ten digits and are assigned once, to a fixed line or to a mobile phone (Plan Fundamental de
  // Numeración Nacional, ENACOM). libphonenumber has the same ranges for both.
  {
    pattern: /^\+54[1-3]\d{9}$/,
    toIdentity: (e164) => e164.replace('+54', '+549'),
    types: MOBILE,
    isCallable: true,
  },
  // Argentina, with the 15 that is dialled within the country. libphonenumber knows where area codes
  // end, and puts the 9 in its place.
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
  // Brazil, without the 9 that all mobile numbers have got in front by November 2016 (Anatel,
  // Resolução 553/2010). WhatsApp still shows numbers without it.
  {
    pattern: /^\+55[1-9]{2}[6-9]\d{7}$/,
    toIdentity: (e164) => `${e164.slice(0, 5)}9${e164.slice(5)}`,
    types: MOBILE,
  },
  // Benin, without the 01 that all numbers have got in front on 30 November 2024 (ARCEP Bénin).
  { pattern: /^\+229\d{8}$/, toIdentity: (e164) => e164.replace('+229', '+22901') },
];

/** Finds the identity of an E.164 number; `undefined` if the number itself is the identity. */
export function findOtherSpelling(e164: string): OtherSpelling | undefined {
  const spelling = SPELLINGS.find(({ pattern }) => pattern.test(e164));
  const identity = spelling?.toIdentity(e164);
  if (!spelling || identity === undefined || identity === e164) return undefined;
  const { types, isCallable = false } = spelling;
  const type = findType(identity);
  if (type === undefined || (types && !types.includes(type))) return undefined;
  // Otherwise the plan has both, and they may be two phones.
  return isCallable || findType(e164) === undefined ? { identity, isCallable } : undefined;
}

/** The identity of an E.164 number: the same for all spellings of one phone. */
export const toIdentity = (e164: string): string => findOtherSpelling(e164)?.identity ?? e164;

const findType = (e164: string): PhoneNumberType | undefined => {
  const parsed = parsePhoneNumberFromString(e164);
  return parsed?.number === e164 ? parsed.getType() : undefined;
};
