import { parseEnvironment } from '../../src/config/environment.js';
import { proofConfig } from '../../src/config/proof.config.js';
import { PRODUCTION_SETTINGS } from '../support/production-settings.js';
import { newProofKey, toKeySet } from '../support/proof-keys.js';

const [key, other] = [newProofKey('one'), newProofKey('two')];
const ISSUER = 'https://otp.example.com';

const read = (settings: NodeJS.ProcessEnv) =>
  proofConfig(parseEnvironment({ ...PRODUCTION_SETTINGS, ...settings }));

const errorOf = (settings: NodeJS.ProcessEnv): string => {
  try {
    read(settings);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};

const NOT_A_KEY_SET = /^ {2}- PROOF_KEYS must be a JWK Set, .*; npm run proof:new makes one$/m;
const keyErrorOf = (position: number, error: string) =>
  new RegExp(`^ {2}- PROOF_KEYS cannot be used: key ${position} ${error}$`, 'm');

const INVALID: [title: string, value: string, message: RegExp][] = [
  ['text', 'a secret', NOT_A_KEY_SET],
  ['a list', '[]', NOT_A_KEY_SET],
  ['null', 'null', NOT_A_KEY_SET],
  ['a single key', JSON.stringify(key), NOT_A_KEY_SET],
  ['cut JSON', toKeySet(key).slice(0, -1), NOT_A_KEY_SET],
  ['a set without keys', toKeySet(), NOT_A_KEY_SET],
  ['no object', '{"keys":[null]}', keyErrorOf(1, 'is no Ed25519 key: .*')],
  ['another type', toKeySet({ ...key, kty: 'EC' }), keyErrorOf(1, 'is no Ed25519 key: .*')],
  ['another curve', toKeySet({ ...key, crv: 'X25519' }), keyErrorOf(1, 'is no Ed25519 key: .*')],
  ['another algorithm', toKeySet({ ...key, alg: 'ES256' }), keyErrorOf(1, 'has another alg .*')],
  ['another use', toKeySet({ ...key, use: 'enc' }), keyErrorOf(1, 'has another use than sig')],
  ['no kid', toKeySet(key, { ...other, kid: undefined }), keyErrorOf(2, 'has no kid of .*')],
  ['a kid that is no text', toKeySet({ ...key, kid: 4711 }), keyErrorOf(1, 'has no kid of .*')],
  ['the same kid', toKeySet(key, { ...other, kid: 'one' }), keyErrorOf(2, 'has the kid of key 1')],
  ['a public key', toKeySet({ ...key, d: undefined }), keyErrorOf(1, 'has no private part d')],
  ['a short key', toKeySet({ ...key, d: key.d.slice(1) }), keyErrorOf(1, 'has a d or x .*')],
  ['no public part', toKeySet({ ...key, x: undefined }), keyErrorOf(1, 'has a d or x .*')],
  ['the x of another', toKeySet({ ...key, x: other.x }), keyErrorOf(1, 'has an x that .* its d')],
];

describe('PROOF_KEYS', () => {
  it.each(INVALID)(
    'rejects %s with the position of the key, and shows no part of the value',
    (_title, value, message) => {
      const error = errorOf({ PROOF_KEYS: value, PROOF_ISSUER: ISSUER });

      expect(error).toMatch(message);
      for (const { d, x } of [key, other]) {
        expect(error).not.toContain(d.slice(1));
        expect(error).not.toContain(x);
      }
      expect(error).not.toContain('secret');
    },
  );

  it('publishes nothing of a key but its public part', () => {
    const { keys } = read({
      PROOF_KEYS: toKeySet({ ...key, note: 'any', key_ops: ['sign'] }, other),
      PROOF_ISSUER: ISSUER,
    });

    const common = { kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig' };
    expect(keys.map(({ publicKey }) => publicKey)).toEqual(
      [key, other].map(({ x, kid }) => ({ ...common, x, kid })),
    );
  });
});

describe('PROOF_ISSUER', () => {
  const PROOF_KEYS = toKeySet(key);

  it('is required with PROOF_KEYS in production, and only then', () => {
    expect(errorOf({ PROOF_KEYS })).toContain(
      'PROOF_ISSUER is required, because PROOF_KEYS is set',
    );
    expect(errorOf({})).toBe('');
    expect(proofConfig(parseEnvironment({ PROOF_KEYS })).issuer).toBe('otp-service');
  });

  it.each([ISSUER, 'urn:example:otp', 'otp'])('may be a URL, a URN or a name: %s', (issuer) => {
    expect(read({ PROOF_KEYS, PROOF_ISSUER: issuer }).issuer).toBe(issuer);
  });

  it('with a colon must be a URI', () => {
    expect(errorOf({ PROOF_KEYS, PROOF_ISSUER: '1:otp' })).toMatch(/PROOF_ISSUER must be a URL/);
  });
});
