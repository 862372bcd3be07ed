import { getSmsSize } from '../../src/providers/sms-size.js';
import { composeText, insertSamplePin } from '../../src/providers/infobip/infobip.template.js';

describe('getSmsSize', () => {
  const repeatA = (count: number) => 'a'.repeat(count);

  it.each([
    ['an empty text', '', 'GSM-7', 0, 1],
    ['160 septets', repeatA(160), 'GSM-7', 160, 1],
    ['161 septets', repeatA(161), 'GSM-7', 161, 2],
    ['2 × 153 septets', repeatA(306), 'GSM-7', 306, 2],
    ['2 × 153 + 1 septets', repeatA(307), 'GSM-7', 307, 3],
    ['accents of the basic table', 'éèàùäöüßÑ@£$¥ΔΩ', 'GSM-7', 15, 1],
    ['extended characters, at two septets each', '[€]{}~|^\\', 'GSM-7', 18, 1],
    ['80 extended characters', '€'.repeat(80), 'GSM-7', 160, 1],
    ['81 extended characters', '€'.repeat(81), 'GSM-7', 162, 2],
    [
      'an extended character across the 153rd septet',
      `${repeatA(152)}€${repeatA(152)}`,
      'GSM-7',
      306,
      3,
    ],
    ['one character outside GSM-7', `${repeatA(68)}ç`, 'UCS-2', 69, 1],
    ['70 UTF-16 units', 'ж'.repeat(70), 'UCS-2', 70, 1],
    ['71 UTF-16 units', 'ж'.repeat(71), 'UCS-2', 71, 2],
    ['2 × 67 UTF-16 units', 'ж'.repeat(134), 'UCS-2', 134, 2],
    ['2 × 67 + 1 UTF-16 units', 'ж'.repeat(135), 'UCS-2', 135, 3],
    ['35 surrogate pairs', '😀'.repeat(35), 'UCS-2', 70, 1],
    [
      'a surrogate pair across the 67th unit',
      `${'ж'.repeat(66)}😀${'ж'.repeat(66)}`,
      'UCS-2',
      134,
      3,
    ],
  ])('counts %s', (_what, text, encoding, units, segments) => {
    expect(getSmsSize(text)).toEqual({ encoding, units, segments });
  });
});

describe('The message text of infobip:setup', () => {
  it('is measured with a six-digit sample code in place of every {{pin}}', () => {
    expect(insertSamplePin('{{pin}} and @example.com #{{pin}}')).toBe(
      '123456 and @example.com #123456',
    );
  });

  it.each(['Your code', 'Your code {pin}', '{{ pin }}'])(
    'is rejected without {{pin}}: %s',
    (text) => {
      expect(() => composeText(text, undefined)).toThrow('must contain {{pin}}');
    },
  );

  it('is rejected with unknown placeholders', () => {
    expect(() => composeText('{{name}}, {{pin}}', undefined)).toThrow('{{name}}');
    expect(() => composeText('{{pin}} {{a}} {{b}}', undefined)).toThrow(
      'Unknown placeholders {{a}}, {{b}}: {{pin}} is the only one.',
    );
  });

  it('ends with the WebOTP line, which binds the code to a host', () => {
    expect(composeText('{{pin}} is your code', 'example.com')).toBe(
      '{{pin}} is your code\n\n@example.com #{{pin}}',
    );
  });

  it('has only one WebOTP line, for the host that was given last', () => {
    const once = composeText('{{pin}} is your code', 'example.com');

    expect(composeText(once, 'example.com')).toBe(once);
    expect(composeText(once, 'login.example.org')).toBe(
      '{{pin}} is your code\n\n@login.example.org #{{pin}}',
    );
  });

  it.each([
    'https://example.com',
    'example.com/login',
    'exa mple.com',
    'com',
    'a.b#c',
    '@a.com',
    '',
  ])('is rejected for the invalid host "%s"', (host) => {
    expect(() => composeText('{{pin}}', host)).toThrow('host name');
  });
});
