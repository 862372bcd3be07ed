import { parseEnvironment } from '../../src/config/environment.js';
import { PRODUCTION_SETTINGS } from '../support/production-settings.js';

const OTP_SECRET = 'a master secret that only tests know of';
const API_KEYS = `shop:${'0'.repeat(64)}`;
const REAL_PROVIDER = {
  INFOBIP_BASE_URL: 'https://account.api.infobip.com',
  INFOBIP_API_KEY: 'key',
  INFOBIP_APP_ID: 'application',
  INFOBIP_MESSAGE_ID: 'message',
};
const SINCH = {
  PROVIDERS: 'sinch',
  SINCH_APPLICATION_KEY: 'key',
  SINCH_APPLICATION_SECRET: 'c2VjcmV0',
};

const parse = (variables: NodeJS.ProcessEnv) => parseEnvironment({ OTP_SECRET, ...variables });

function errorsOf(variables: NodeJS.ProcessEnv): string {
  try {
    parse(variables);
  } catch (error) {
    return (error as Error).message;
  }
  return 'none';
}

describe('Settings without API keys, outside production', () => {
  it.each(['127.0.0.1', '127.1.2.3', 'localhost', 'LOCALHOST', '::1'])(
    'are accepted on the loopback host %s with the sandbox',
    (HOST) => {
      expect(errorsOf({ HOST })).toBe('none');
      expect(parse({ HOST }).warnings).toEqual([]);
    },
  );

  it.each(['0.0.0.0', '::', '192.0.2.1', 'otp.example.com', 'localhost.example.com', '::2'])(
    'are refused on the host %s',
    (HOST) => {
      expect(errorsOf({ HOST })).toMatch(
        /- API_KEYS is required, because other machines can reach HOST: npm run keys:new makes a key/,
      );
    },
  );

  it.each([
    ['Infobip', REAL_PROVIDER],
    ['Sinch', SINCH],
  ])('are refused with an account at %s', (_name, account) => {
    expect(errorsOf(account)).toMatch(
      /- API_KEYS is required, because messages go to a real provider: npm run keys:new makes a key/,
    );
  });

  it('are refused in one line for both reasons, beside all other errors', () => {
    const errors = errorsOf({ ...REAL_PROVIDER, HOST: '0.0.0.0', OTP_TTL: '1h' });

    expect(errors.match(/API_KEYS is required/g)).toHaveLength(1);
    expect(errors).toContain(
      'because other machines can reach HOST and messages go to a real provider',
    );
    expect(errors).toContain('OTP_TTL must be');
  });

  it('are refused with API_KEYS that cannot be parsed, for that reason only', () => {
    const errors = errorsOf({ HOST: '0.0.0.0', API_KEYS: 'shop' });

    expect(errors).toContain('API_KEYS must be entries like');
    expect(errors).not.toContain('API_KEYS is required');
  });

  it('are accepted with a warning if ALLOW_UNAUTHENTICATED is true', () => {
    const { warnings } = parse({
      ...REAL_PROVIDER,
      HOST: '0.0.0.0',
      ALLOW_UNAUTHENTICATED: 'true',
    });

    expect(warnings).toEqual([
      expect.stringContaining('ALLOW_UNAUTHENTICATED is true and API_KEYS is not set'),
    ]);
  });

  it('get no warning for ALLOW_UNAUTHENTICATED where it has no effect', () => {
    const allowed = { ALLOW_UNAUTHENTICATED: 'true' };

    expect(parse(allowed).warnings).toEqual([]);
    expect(parse({ ...allowed, HOST: '0.0.0.0', API_KEYS }).warnings).toEqual([]);
  });
});

describe('Settings with API keys', () => {
  it.each([{ HOST: '0.0.0.0' }, REAL_PROVIDER, SINCH])('are accepted with %j', (settings) => {
    expect(errorsOf({ ...settings, API_KEYS })).toBe('none');
  });
});

describe('Settings of production', () => {
  it('are refused with ALLOW_UNAUTHENTICATED, with and without API keys', () => {
    for (const keys of [API_KEYS, '']) {
      const settings = { ...PRODUCTION_SETTINGS, API_KEYS: keys, ALLOW_UNAUTHENTICATED: 'true' };

      expect(errorsOf(settings)).toContain(
        '- ALLOW_UNAUTHENTICATED must not be true in production: remove it and set API_KEYS',
      );
    }
  });

  it('are refused without API keys on every host', () => {
    const errors = errorsOf({ ...PRODUCTION_SETTINGS, API_KEYS: '', HOST: '0.0.0.0' });

    expect(errors.match(/API_KEYS is required/g)).toHaveLength(1);
  });
});
