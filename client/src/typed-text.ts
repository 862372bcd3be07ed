/** Bidirectional and zero-width marks, soft hyphens, byte-order marks. */
const INVISIBLE = /\p{Cf}/gu;
const DIGIT = /\p{Nd}/u;
const NON_ASCII_DIGITS = /[^\P{Nd}0-9]/gu;

/** The request fields that end users type. */
const TYPED_FIELDS: ReadonlySet<string> = new Set(['phoneNumber', 'otpCode']);

/** Copies a request's fields. Typed ones lose invisible characters and get ASCII digits. */
export const normalizeTypedFields = (fields: object): object =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]: [string, unknown]) => [
      name,
      TYPED_FIELDS.has(name) && typeof value === 'string' ? normalizeText(value) : value,
    ]),
  );

/** Changes only what cannot change the meaning: the service itself ignores separators and reports errors. */
const normalizeText = (text: string): string =>
  text.replace(INVISIBLE, '').replace(NON_ASCII_DIGITS, toAsciiDigit).trim();

/**
 * Unicode encodes the decimal digits of a script as ten consecutive code points, beginning with zero.
 * Several such tens may follow each other: hence `% 10`.
 */
function toAsciiDigit(digit: string): string {
  const codePoint = digit.codePointAt(0) ?? 0;
  let first = codePoint;
  while (DIGIT.test(String.fromCodePoint(first - 1))) first -= 1;
  return String((codePoint - first) % 10);
}
