/*
 * Text as people type, paste and autofill it. Keyboards, forms and address books add invisible
 * characters, and use other digits, dashes and spaces than those of ASCII.
 */

/** Such as bidirectional and zero-width marks, soft hyphens, byte-order marks (Unicode category Cf). */
const FORMAT_CHARACTERS = /\p{Cf}/gu;
const DIGIT = /\p{Nd}/u;
/** Decimal digits of any script but 0 to 9. */
const OTHER_DIGITS = /[^\P{Nd}0-9]/gu;
/** Unicode's dashes, the minus sign, and the long-vowel mark that Japanese keyboards type. */
const DASHES = /[\p{Pd}\u2212\u30FC\uFF70]/gu;
/** Spaces within a line: no-break and narrow ones too. */
const SPACES = /[\p{Zs}\t]/gu;

/**
 * Converts digits, dashes and spaces to ASCII, and removes format characters and outer spaces.
 */
export const toAsciiText = (text: string): string =>
  text
    .replace(FORMAT_CHARACTERS, '')
    .replace(OTHER_DIGITS, toAsciiDigit)
    .replace(DASHES, '-')
    .replace(SPACES, ' ')
    .trim();

/**
 * Unicode gives each set of decimal digits ten consecutive code points, beginning with zero. Some sets
 * follow each other directly.
 */
function toAsciiDigit(digit: string): string {
  const codePoint = digit.codePointAt(0) ?? 0;
  let first = codePoint;
  while (DIGIT.test(String.fromCodePoint(first - 1))) first -= 1;
  return String((codePoint - first) % 10);
}
