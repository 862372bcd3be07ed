import { parsePhoneNumberFromString, validatePhoneNumberLength } from './numbering-plans.js';
import { toAsciiText } from './typed-text.js';

/** The separators that people write between digits (RFC 3966 §5.1.1). */
const SEPARATORS = /[ ().-]/g;
/** Longer than any number with its separators and invisible characters. */
const MAX_LENGTH = 64;

/** Full-width and small forms of the characters that numbers are written with. */
const LOOK_ALIKES: readonly (readonly [RegExp, string])[] = [
  [/[\uFF0B\uFE62]/g, '+'],
  [/[\uFF08\uFE59]/g, '('],
  [/[\uFF09\uFE5A]/g, ')'],
  [/[\uFF0E\u2024\uFE52]/g, '.'],
];

/**
 * What is wrong with a text that is not an E.164 number. The first pattern that matches applies.
 */
const TEXT_ERRORS: readonly (readonly [RegExp, string])[] = [
  [/^$/, 'The phone number is empty. Begin with + and the country code, as in +14155552671.'],
  [/[\r\n\v\f\u0085\u2028\u2029]/, 'Give one phone number, on one line.'],
  [/^tel:/i, 'Leave out `tel:`. Begin with + and the country code.'],
  [/\d *(?:[x#,;]|доб|ext)[^+\d]*\d*$/i, 'Leave out the extension: messages cannot reach it.'],
  [/\p{L}/u, 'Write digits instead of letters.'],
  [/\( *0+ *\)/, 'Leave out the (0): it is not part of the number after a country code.'],
  [/^[ (]*\+?[ (]*0[ -]?0/, 'Write + instead of 00 before the country code.'],
  [/^[ (.-]*[^+ (.-]/, 'The + is missing. Begin with + and the country code, as in +14155552671.'],
  [/\+.*\+/, 'Give one phone number, with one +.'],
  [/[^+\d ().-]/, 'Use only +, digits, spaces, hyphens, dots and parentheses.'],
  [/^[^\d]*0/, 'Write the country code after the +: no country code begins with 0.'],
];

/**
 * Converts a text to ASCII without separators: E.164 if the text is a phone number.
 * @returns `undefined` if the text is too long for a phone number
 */
export const cleanPhoneNumber = (text: string): string | undefined =>
  text.length > MAX_LENGTH ? undefined : toAscii(text).replace(SEPARATORS, '');

const toAscii = (text: string): string =>
  LOOK_ALIKES.reduce(
    (ascii, [form, character]) => ascii.replace(form, character),
    toAsciiText(text),
  );

/** Says why a value is not a valid phone number, and what to do. Never quotes the value. */
export function explainInvalidPhoneNumber(value: unknown): string {
  if (value === undefined) return 'Give a phone number in E.164 form, as in +14155552671.';
  if (typeof value === 'number') {
    return 'The phone number is a JSON number. Give a string, which keeps the +: "+14155552671".';
  }
  if (typeof value !== 'string') return 'Give the phone number as a string, as in "+14155552671".';
  if (value.length > MAX_LENGTH) return 'The text is too long for a phone number.';
  const text = toAscii(value);
  const [, detail] = TEXT_ERRORS.find(([pattern]) => pattern.test(text)) ?? [];
  return detail ?? explainNumberOutsidePlans(text.replace(SEPARATORS, ''));
}

/** Says why libphonenumber's numbering plans do not have a number of `+` and digits. */
function explainNumberOutsidePlans(number: string): string {
  const parsed = parsePhoneNumberFromString(number);
  const country = parsed ? `+${parsed.countryCallingCode}` : 'the country code';
  const prefix = parsed && findExtraPrefix(number, parsed);
  if (prefix) return `Drop the ${prefix} after ${country}: it is only dialled within the country.`;
  switch (validatePhoneNumberLength(number)) {
    case 'INVALID_COUNTRY':
      return 'No country has this country code. Begin with + and the country code.';
    case 'TOO_SHORT':
    case 'NOT_A_NUMBER':
      return `The phone number is too short. Give all its digits after ${country}.`;
    case 'TOO_LONG':
      return `The phone number is too long. Give only its digits after ${country}.`;
    case 'INVALID_LENGTH':
      return `No phone number of ${country} has this length.`;
    default:
      return `Write the phone number as it is dialled from abroad, after ${country}.`;
  }
}

/**
 * The digits that libphonenumber drops after the country code, such as a trunk zero; empty if it
 * drops none. `undefined` if libphonenumber changes other digits.
 */
function findExtraPrefix(
  number: string,
  { countryCallingCode, nationalNumber }: { countryCallingCode: string; nationalNumber: string },
): string | undefined {
  const national = number.slice(1 + countryCallingCode.length);
  return national.endsWith(nationalNumber) ? national.slice(0, -nationalNumber.length) : undefined;
}
