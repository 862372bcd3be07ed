import { parsePhonePrefix, PrefixRules } from '../../src/common/phone-prefix.js';
import { PhoneNumber } from '../../src/common/phone-number.js';

describe('parsePhonePrefix', () => {
  it.each([
    ['+44', ['+44']],
    ['+44 (7700) 90-0123', ['+447700900123']],
    ['+1', ['+1']],
    // Argentina: the numbers of an area are fixed lines, or mobile numbers without the 9.
    ['+5411', ['+5411', '+54911']],
    ['+54911', ['+54911']],
    ['+541123456789', ['+5491123456789']],
    // Mexico, with the 1 of mobile numbers.
    ['+52155', ['+5255']],
    ['+5215512345678', ['+525512345678']],
    ['+5255', ['+5255']],
    // Brazil, without the 9 of mobile numbers.
    ['+55318', ['+553198']],
    ['+553187654321', ['+5531987654321']],
    ['+553198', ['+553198']],
    ['+55313', ['+55313']],
    // Benin, without the 01.
    ['+22990', ['+2290190']],
    ['+22990123456', ['+2290190123456']],
    ['+22901', ['+22901']],
    ['+229', ['+229']],
    // Palestine, with the country code of Israel.
    ['+97259', ['+97059']],
    ['+972599123456', ['+970599123456']],
    ['+97258', ['+97258']],
    ['+972', ['+972']],
  ])('reads %s as prefixes of the identities of its numbers', (text, prefixes) => {
    expect(parsePhonePrefix(text)).toEqual(prefixes);
  });

  it.each(['', '+', '44', '0044', '+0', '+44x', '+1234567890123456', 'GB', '+44,+45'])(
    'rejects %j',
    (text) => {
      expect(parsePhonePrefix(text)).toBeUndefined();
    },
  );
});

describe('PrefixRules', () => {
  const find = (rules: PrefixRules, e164: string) => rules.find(PhoneNumber.fromE164(e164));

  it('finds the rule of the longest prefix', () => {
    const rules = new PrefixRules(['+44', '+447700900'], ['+4477', '+447700900123']);

    expect(find(rules, '+442071838750')).toBe('blocked');
    expect(find(rules, '+447712345678')).toBe('trusted');
    expect(find(rules, '+447700900124')).toBe('blocked');
    expect(find(rules, '+447700900123')).toBe('trusted');
    expect(find(rules, '+14155552671')).toBeUndefined();
  });

  it('finds no rule without prefixes', () => {
    expect(find(new PrefixRules([], []), '+14155552671')).toBeUndefined();
  });

  it('finds the same rule for both spellings of a phone', () => {
    const rules = new PrefixRules(['+5491123456789'], []);

    expect(find(rules, '+541123456789')).toBe('blocked');
    expect(find(rules, '+5491123456789')).toBe('blocked');
  });
});
