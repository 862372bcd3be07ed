import { SeededRandom } from '../support/seeded-random.js';
import { SecretScanner } from '../support/leak/secret-scanner.js';
import { SecretFactory } from '../support/leak/secret-factory.js';
import { phoneNumber } from '../support/phone-number.js';

const NUMBER = '+14155552671';
const SPECIAL_CHARACTERS = 'Zahlung "über" 5 €/\\ 47☎';
const SECRETS = [
  NUMBER,
  '14155552671',
  '4155552671',
  'a1B2c3D4e5',
  'xK-9_pQ7~zZ0.wW3',
  SPECIAL_CHARACTERS,
];

/** Forms in which a program could write a secret into a log, a metric or a response. */
const ENCODINGS: [string, (text: string) => string][] = [
  ['unchanged', (text) => text],
  ['in upper case', (text) => text.toUpperCase()],
  ['in JSON', (text) => JSON.stringify({ text })],
  ['in JSON within JSON', (text) => JSON.stringify({ text: JSON.stringify({ text }) })],
  ['in ASCII-only JSON', (text) => JSON.stringify(text).replace(/[^ -~]/g, escaped)],
  ['in the path of a URL', (text) => `/otp/${encodeURIComponent(text)}`],
  ['with lower-case percent escapes', (text) => encodeURIComponent(text).toLowerCase()],
  ['in a query', (text) => new URLSearchParams({ text }).toString()],
  ['in hex', (text) => Buffer.from(text).toString('hex')],
  ['in upper-case hex', (text) => Buffer.from(text).toString('hex').toUpperCase()],
  ...['', 'x', 'xx', 'xxx', 'Bearer '].flatMap((before): typeof ENCODINGS => [
    [
      `in base64 after "${before}"`,
      (text) => Buffer.from(`${before}${text}, then`).toString('base64'),
    ],
    [
      `in base64url after "${before}"`,
      (text) => Buffer.from(`${before}${text}`).toString('base64url'),
    ],
  ]),
];

const escaped = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

describe('SecretScanner', () => {
  describe.each(ENCODINGS)('finds a secret %s', (_how, write) => {
    it.each(SECRETS)('%s', (secret) => {
      const scanner = new SecretScanner();
      scanner.add('secret', secret);
      const written = write(secret);

      expect(scanner.scan(`{"msg":"to ${written}"}`)).toMatchObject([{ kind: 'secret' }]);
      expect(scanner.scan(written)).toHaveLength(1);
      expect(scanner.scan(write(secret.slice(0, -1)))).toEqual([]);
    });
  });

  it.each([
    ['in E.164', (number: string) => number],
    ['without its +', (number: string) => number.slice(1)],
  ])('finds a number %s', (_how, write) => {
    const secrets = new SecretFactory(new SeededRandom('numbers'));
    const numbers = Array.from({ length: 100 }, () => secrets.createPhoneNumber());

    for (const number of numbers) expect(secrets.scanner.scan(write(number))).toHaveLength(1);
  });

  it('does not report a masked number', () => {
    const secrets = new SecretFactory(new SeededRandom('numbers'));
    const masked = Array.from(
      { length: 100 },
      () => phoneNumber(secrets.createPhoneNumber()).masked,
    );

    expect(secrets.scanner.scan(masked.join(' '))).toEqual([]);
  });

  it.each(['4155552671', '(415) 555-2671', '+1 415 555 2671'])(
    'finds a number written as %s',
    (written) => {
      const secrets = new SecretFactory(new SeededRandom('numbers'));
      secrets.registerPhoneNumber(NUMBER);

      expect(secrets.scanner.scan(`to ${written}.`)).toMatchObject([{ kind: 'number' }]);
    },
  );

  it('finds each of thousands of secrets and its position', () => {
    const secrets = new SecretFactory(new SeededRandom('many'));
    const many = Array.from({ length: 3_000 }, () => secrets.createIdempotencyKey());
    const found = secrets.scanner.scan(many.map((secret) => `<${secret}>`).join('\n'));

    expect(found).toHaveLength(many.length);
    found.forEach(({ context }, i) => {
      expect(context).toContain(`<${many[i] ?? ''}>`);
    });
  });

  it('does not report the pinId prefix that may be logged, and reports a longer one', () => {
    const secrets = new SecretFactory(new SeededRandom('handles'));
    secrets.registerPinId('q8Jt1Xn0S2uYp4rVb6wLzA');

    expect(secrets.scanner.scan('"pinId":"q8Jt1Xn0…"')).toEqual([]);
    expect(secrets.scanner.scan('"pinId":"q8Jt1Xn0S…"')).toMatchObject([{ kind: 'pinId' }]);
  });

  it('rejects a secret so short that random text could contain it', () => {
    expect(() => {
      new SecretScanner().add('code', '1234567');
    }).toThrow('too short');
  });
});
