import { ClientsFileError } from '../../src/clients/clients-file.error.js';
import { parseClientsFile } from '../../src/clients/parse-clients-file.js';
import { testEnvironment } from '../support/config.js';

const HASH = 'a1'.repeat(32);
const OTHER_HASH = 'b2'.repeat(32);
const ENV = testEnvironment({ OTP_TTL: '4m', OTP_MAX_ATTEMPTS: '4', PROVIDERS: 'infobip' });

const parse = (text: string) => parseClientsFile(text, ENV).clients;

function errorsOf(text: string): readonly string[] {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof ClientsFileError) return error.errors;
    throw error;
  }
  return [];
}

const withFields = (fields: string) => `clients: { shop: { keys: [${HASH}], ${fields} } }`;

describe('The text of CLIENTS_FILE', () => {
  it('has the fields of each client', () => {
    const [shop, bank] = parse(`
clients:
  shop:
    keys: [${HASH}]
    allowedCountries: [DE, NO]
    sendCooldown: 45s
  bank: { keys: [${OTHER_HASH}, ${HASH.replace('a', 'c')}] }
`);

    expect(shop?.name).toBe('shop');
    expect([...(shop?.rules.destinations.allowedCountries ?? [])]).toEqual(['DE', 'NO']);
    expect(shop?.rules.otp).toEqual({ ttlMs: 240_000, maxAttempts: 4, sendCooldownMs: 45_000 });
    expect(bank?.keyHashes.map((hash) => hash.toString('hex'))).toContain(OTHER_HASH);
  });

  it('means the same as YAML and as JSON, with numbers or text', () => {
    const json = `{"clients": {"shop": {"keys": ["${HASH}"], "otpMaxAttempts": 3}}}`;
    const yaml = `clients:\n  shop:\n    keys:\n      - ${HASH}\n    otpMaxAttempts: '3'\n`;

    expect(parse(json)).toEqual(parse(yaml));
    expect(parse(json)[0]?.rules.otp.maxAttempts).toBe(3);
  });

  it('may have a list as one text, and an empty list for no values', () => {
    expect(parse(withFields('allowedCountries: "DE, AT"'))[0]?.rules).toEqual(
      parse(withFields('allowedCountries: [DE, AT]'))[0]?.rules,
    );
    const [client] = parse(withFields('blockedNumberTypes: []'));
    expect(client?.rules.destinations.blockedTypes.size).toBe(0);
  });

  it('lets clients without rules of their own share one set of rules', () => {
    const [shop, bank] = parse(`clients: { shop: { keys: [] }, bank: { keys: [] } }`);

    expect(shop?.rules).toBe(bank?.rules);
  });

  it.each([
    ['otpTtl: 5m', 'clients.shop.otpTtl must be at most OTP_TTL'],
    ['otpTtl: 1h', 'clients.shop.otpTtl must be 1s to 10m'],
    ['otpMaxAttempts: 5', 'clients.shop.otpMaxAttempts must be at most OTP_MAX_ATTEMPTS'],
    ['otpMaxAttempts: many', 'clients.shop.otpMaxAttempts must be a number'],
    ['providers: [sinch]', 'clients.shop.providers must be a part of PROVIDERS'],
    ['locale: "?"', 'clients.shop.locale must be a language tag such as de or pt-BR'],
    ['sendCooldown: ', 'clients.shop.sendCooldown has no value: give one, or remove it'],
    ['sendCooldown: [{ a: b }]', 'clients.shop.sendCooldown must be a value, or a list of values'],
    [
      'allowedCountries: [UK]',
      expect.stringMatching(/^clients\.shop\.allowedCountries must be .* did you mean GB/),
    ],
    [
      'allowedCountrys: [DE]',
      'clients.shop has an unknown field allowedCountrys: did you mean allowedCountries?',
    ],
    ['redisUrl: x', 'clients.shop has an unknown field redisUrl'],
    ['"+14155552671": x', 'clients.shop has an unknown field'],
  ])('with %s has an error that names the field', (fields, error) => {
    expect(errorsOf(withFields(fields))).toEqual([error]);
  });

  it.each([
    ['clients: []', /^must have the field clients/],
    ['clients: { shop: { keys: [] } }\nservers: {}', /^must have the field clients/],
    ['null', /^must have the field clients/],
    ['clients: { "+14155552671": { keys: [] } }', /^clients has an invalid name of a client/],
    ['clients: { shop: }', /^clients\.shop must have fields/],
    ['clients: { shop: { locale: de } }', /^clients\.shop\.keys must be a list/],
    [`clients: { shop: { keys: ${HASH} } }`, /^clients\.shop\.keys must be a list/],
    [`clients: { shop: { keys: [shop:${HASH}] } }`, /^clients\.shop\.keys must be a list/],
    [
      `clients: { a: { keys: [${HASH}] }, b: { keys: [${HASH}] } }`,
      /^clients\.b\.keys has a key that is listed already for a$/,
    ],
    ['clients:\n  shop: { keys: [] }\n  shop: { keys: [] }', /^line 3, column 3 .*DUPLICATE_KEY/],
    [`clients: { shop: { keys: [${HASH}`, /^line 1, column \d+ is neither YAML nor JSON/],
    ['clients: *all', /alias/],
  ])('as %j has an error that shows no key and no number', (text, error) => {
    const errors = errorsOf(text);

    expect(errors[0]).toMatch(error);
    expect(errors.join()).not.toContain(HASH);
    expect(errors.join()).not.toContain('4155552671');
  });
});
