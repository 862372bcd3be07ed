const DIGIT = /\p{Nd}/u;

/** The digits of a text in ASCII, whatever script they are typed in. */
export const keepDigits = (text) => text.replace(/\P{Nd}/gu, '').replace(/\D/gu, toAsciiDigit);

/** Unicode encodes the decimal digits of a script as ten neighbours, beginning with its zero. */
function toAsciiDigit(digit) {
  const codePoint = digit.codePointAt(0);
  let first = codePoint;
  while (DIGIT.test(String.fromCodePoint(first - 1))) first -= 1;
  return String((codePoint - first) % 10);
}
