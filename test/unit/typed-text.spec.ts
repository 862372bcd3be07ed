import { toAsciiText } from '../../src/common/typed-text.js';

/** The page's files are JavaScript, without types. */
const PAGE_FILE = ['../../src/demo/page', 'digits.js'].join('/');

const DIGITS = Array.from({ length: 0x110000 }, (_, codePoint) => codePoint)
  .filter((codePoint) => codePoint < 0xd800 || codePoint > 0xdfff)
  .map((codePoint) => String.fromCodePoint(codePoint))
  .filter((character) => /\p{Nd}/u.test(character));

describe('Typed text', () => {
  it('has ASCII digits for the digits of every script, in the service and on the demo page', async () => {
    const { keepDigits } = (await import(PAGE_FILE)) as { keepDigits: (text: string) => string };
    const zeroToNine = '0123456789'.repeat(DIGITS.length / 10);

    expect(DIGITS.length).toBeGreaterThanOrEqual(650);
    expect(toAsciiText(DIGITS.join(''))).toBe(zeroToNine);
    expect(keepDigits(DIGITS.join(''))).toBe(zeroToNine);
  });

  it.each([
    ['\u202a123\u202c', '123'],
    ['1\u200b2\u00ad3', '123'],
    ['\u00a01\u202f2\u30003\n', '1 2 3'],
    ['1\u20102\u20113\u20124\u22125\uff0d6', '1-2-3-4-5-6'],
    ['²½①', '²½①'],
  ])('%j is %j in ASCII', (text, ascii) => {
    expect(toAsciiText(text)).toBe(ascii);
  });
});
