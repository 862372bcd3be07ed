/** Bidirectional and zero-width marks, soft hyphens, byte-order marks. */
const INVISIBLE = /\p{Cf}/gu;
const DIGIT = /\p{Nd}/u;
const OTHER_DIGITS = /[^\P{Nd}0-9]/gu;

/** The fields that people type. */
const TYPED_FIELDS: ReadonlySet<string> = new Set(['phoneNumber', 'otpCode']);

/** The same fields, the typed ones without invisible characters and with ASCII digits. */
export const tidyFields = (fields: object): object =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]: [string, unknown]) => [
      name,
      TYPED_FIELDS.has(name) && typeof value === 'string' ? tidyText(value) : value,
    ]),
  );

/** Does only what cannot change the meaning. The service ignores separators and names what is wrong. */
const tidyText = (text: string): string =>
  text.replace(INVISIBLE, '').replace(OTHER_DIGITS, toAsciiDigit).trim();

/** Unicode encodes the decimal digits of a script as ten neighbours, beginning with its zero. */
function toAsciiDigit(digit: string): string {
  const codePoint = digit.codePointAt(0) ?? 0;
  let first = codePoint;
  while (DIGIT.test(String.fromCodePoint(first - 1))) first -= 1;
  return String((codePoint - first) % 10);
}
