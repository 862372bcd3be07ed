import { configFrom } from '../../src/config/load-config.js';

const PRODUCTION = {
  NODE_ENV: 'production',
  INFOBIP_BASE_URL: 'https://account.api.infobip.com/',
  INFOBIP_API_KEY: 'key',
  INFOBIP_APP_ID: 'application',
  INFOBIP_MESSAGE_ID: 'message',
};

function faultsOf(variables: NodeJS.ProcessEnv): string {
  try {
    configFrom(variables);
  } catch (error) {
    return (error as Error).message;
  }
  return 'none';
}

describe('The settings', () => {
  it('all have a default outside production, with the sandbox as provider', () => {
    expect(configFrom({})).toEqual({
      production: false,
      logLevel: 'info',
      http: { host: '127.0.0.1', port: 3000 },
      otp: { ttlMs: 300_000, maxAttempts: 5, sendCooldownMs: 30_000 },
      throttle: { sendsPerMinute: 60, verifiesPerMinute: 300 },
      providerTimeoutMs: 5_000,
      infobip: {
        baseUrl: 'http://127.0.0.1:3999',
        apiKey: 'sandbox-key',
        applicationId: 'sandbox-application',
        messageId: 'sandbox-message',
      },
      sandbox: { url: 'http://127.0.0.1:3999', startOnPort: 3999 },
    });
  });

  it('are frozen', () => {
    const config = configFrom({});

    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.values(config).every((part) => Object.isFrozen(part))).toBe(true);
  });

  it('take an account of Infobip’s in production, and no sandbox', () => {
    const { infobip, sandbox } = configFrom(PRODUCTION);

    expect(infobip.baseUrl).toBe('https://account.api.infobip.com');
    expect(sandbox).toBeUndefined();
  });

  it('are refused in production when secrets are missing, each by name', () => {
    expect(faultsOf({ NODE_ENV: 'production', INFOBIP_API_KEY: '' })).toBe(
      [
        'The settings cannot be used:',
        '  - INFOBIP_BASE_URL is required',
        '  - INFOBIP_API_KEY is required',
        '  - INFOBIP_APP_ID is required',
        '  - INFOBIP_MESSAGE_ID is required',
      ].join('\n'),
    );
  });

  it('need credentials for a host that is not the sandbox', () => {
    expect(faultsOf({ INFOBIP_BASE_URL: 'https://account.api.infobip.com' })).toContain(
      'INFOBIP_API_KEY is required',
    );
    expect(faultsOf({ INFOBIP_BASE_URL: 'http://localhost:3999' })).toBe('none');
  });

  it.each([
    'http://account.api.infobip.com',
    'http://127.0.0.1.evil.example',
    'http://localhost.example',
  ])('send no key over plain http to %s', (url) => {
    expect(faultsOf({ ...PRODUCTION, INFOBIP_BASE_URL: url })).toContain(
      'INFOBIP_BASE_URL must be an https URL',
    );
  });

  it.each([
    ['OTP_TTL', '11m'],
    ['OTP_TTL', '300'],
    ['OTP_MAX_ATTEMPTS', '11'],
    ['OTP_MAX_ATTEMPTS', '0'],
    ['OTP_MAX_ATTEMPTS', '2.5'],
    ['SEND_COOLDOWN', 'soon'],
    ['PORT', '65536'],
    ['LOG_LEVEL', 'loud'],
    ['NODE_ENV', 'staging'],
    ['THROTTLE_SEND_LIMIT', '-1'],
  ])('refuse %s=%s', (name, value) => {
    expect(faultsOf({ [name]: value })).toContain(`- ${name} must be`);
  });

  it('tell all faults at once, and no secret', () => {
    const faults = faultsOf({
      PORT: 'x',
      OTP_TTL: 'y',
      INFOBIP_BASE_URL: 'secret',
      INFOBIP_API_KEY: 'secret',
    });

    expect(faults).toMatch(/PORT[^]*OTP_TTL[^]*INFOBIP_BASE_URL/);
    expect(faults).not.toContain('secret');
  });
});
