import { inspect } from 'node:util';
import { PhoneNumber } from '../../src/common/phone-number.js';

describe('PhoneNumber', () => {
  it.each([
    ['+14155552671', '+14155552671'],
    ['+1 (415) 555-2671', '+14155552671'],
    ['+44 7911 123456', '+447911123456'],
    ['+39 06 12345678', '+390612345678'],
    ['+41.79.302.67.27', '+41793026727'],
  ])('parses %s as %s', (text, e164) => {
    expect(PhoneNumber.parse(text)?.e164).toBe(e164);
  });

  it.each([
    ['a national zero after the country code', '+440 7911 123456'],
    ['a national zero in brackets', '+44 (0)7911 123456'],
    ['an old mobile prefix of digits that no phone has', '+5210012345678'],
    ['a number without a plus', '14155552671'],
    ['two pluses', '++14155552671'],
    ['an international prefix', '0014155552671'],
    ['letters', '+1415CALLNOW'],
    ['an extension', '+14155552671x5'],
    ['too few digits', '+1415555'],
    ['too many digits', '+1415555267123456'],
    ['an unknown country code', '+999123456789'],
    ['a line break', '+1415555\n2671'],
    ['an empty string', ''],
    ['a very long string', `+${' '.repeat(1_000_000)}`],
    ['a number', 14155552671],
  ])('rejects %s', (_what, text) => {
    expect(PhoneNumber.parse(text)).toBeUndefined();
  });

  it.each([
    ['+41793026727', 'CH', 'MOBILE', '+4179302'],
    ['+19005551234', 'US', 'PREMIUM_RATE', '+1900555'],
    ['+80012345678', '001', 'TOLL_FREE', '+8001234'],
    ['+15550001111', 'US', undefined, '+1555000'],
    ['+441481123456', 'GB', undefined, '+44148112'],
    ['+870773111632', '001', 'MOBILE', '+87077311'],
  ])('has the country, type and prefix of %s', (text, country, type, prefix) => {
    const parsed = PhoneNumber.parse(text);
    const stored = PhoneNumber.fromE164(text);

    expect(parsed).toMatchObject({ country, type, prefix });
    expect(stored).toMatchObject({ country, type, prefix });
  });

  it.each([
    ['+14155552671', '+1415•••2671'],
    ['+447911123456', '+4479•••3456'],
    ['+49301234', '+493•••34'],
  ])('prints %s as %s in a string, JSON and inspect', (text, masked) => {
    const number = PhoneNumber.parse(text);

    expect(String(number)).toBe(masked);
    expect(JSON.stringify({ number })).toBe(`{"number":"${masked}"}`);
    expect(inspect({ number })).toBe(`{ number: ${masked} }`);
    expect(Object.keys(number ?? {})).toEqual([]);
  });
});
