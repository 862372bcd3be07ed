import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hours } from '../../src/common/durations.js';
import { authConfig } from '../../src/config/auth.config.js';
import { encryptionConfig } from '../../src/config/encryption.config.js';
import { loadSetupEnvironment, parseEnvironment } from '../../src/config/environment.js';
import { SETTING_NAMES } from '../../src/config/config.module.js';
import { providersConfig } from '../../src/config/providers.config.js';
import { readConfig } from '../support/config.js';
import { SecretScanner } from '../support/leak/secret-scanner.js';

const SECRET = 'a master secret that only tests know of';
const PRODUCTION = {
  NODE_ENV: 'production',
  OTP_SECRET: SECRET,
  API_KEYS: `shop:${'0'.repeat(64)}`,
  INFOBIP_BASE_URL: 'https://account.api.infobip.com/',
  INFOBIP_API_KEY: 'key',
  INFOBIP_APP_ID: 'application',
  INFOBIP_MESSAGE_ID: 'message',
};

type Config = ReturnType<typeof readConfig>;

const configFrom = (variables: NodeJS.ProcessEnv): Config =>
  readConfig(parseEnvironment(variables));

function errorsOf(variables: NodeJS.ProcessEnv): string {
  try {
    parseEnvironment({ DATA_DIR: dataDir, ...variables });
  } catch (error) {
    return (error as Error).message;
  }
  return 'none';
}

const dataDir = mkdtempSync(join(tmpdir(), 'otp-config-'));

describe('The configuration', () => {
  afterAll(() => {
    rmSync(dataDir, { recursive: true });
  });

  it('has a default for every setting outside production, with the sandbox as provider', () => {
    expect(configFrom({ OTP_SECRET: SECRET })).toEqual<Config>({
      service: { isProduction: false, isDevelopment: true, logLevel: 'info', shutdownDelayMs: 0 },
      http: {
        host: '127.0.0.1',
        port: 3000,
        metricsPort: undefined,
        metricsClient: undefined,
        metricsPublic: false,
        trustProxy: undefined,
        corsOrigins: [],
      },
      encryption: { secrets: [SECRET] },
      auth: {
        apiKeys: [],
        clientsFile: undefined,
        allowUnauthenticated: false,
        needsApiKey: false,
      },
      destinations: {
        allowedCountries: ['*'],
        blockedTypes: [
          'PREMIUM_RATE',
          'SHARED_COST',
          'PERSONAL_NUMBER',
          'UAN',
          'PAGER',
          'VOICEMAIL',
          'sms:FIXED_LINE',
        ],
        blockedPrefixes: [],
        trustedPrefixes: [],
        numberCheck: 'valid',
        testNumbers: [],
      },
      otp: { ttlMs: 300_000, maxAttempts: 5, sendCooldownMs: 30_000 },
      limits: {
        sendsPerNumberPerDay: 10,
        failuresPerNumberPerHour: 10,
        failuresPerNumberPerDay: 20,
        clientSharePerNumber: 0.5,
        sendsPerClientPerDay: 100_000,
        wrongCodesPerClientPerDay: 300,
        unreachablePerClientPerDay: 30,
        sendsPerEndUserPerHour: 20,
      },
      pumping: { mode: 'enforce', floorPerHour: 10, floorPerDay: 30, unverifiedRatio: 0.8 },
      storage: { databaseUrl: undefined, dataDir: './data', retentionMs: hours(24 * 30) },
      throttle: { redisUrl: undefined, sendsPerMinute: 60, verifiesPerMinute: 300 },
      webhooks: { receiver: undefined },
      tracing: {
        endpoint: undefined,
        headers: [],
        serviceName: 'otp-service',
        sampleRatio: 1,
      },
      reports: {
        infobip: {
          tokens: ['sandbox-delivery-token'],
          hmac: { secrets: ['sandbox-hmac-secret'], header: 'x-signature' },
        },
        sinch: undefined,
        isOn: true,
      },
      outbound: { httpsProxy: undefined, httpProxy: undefined, noProxy: undefined },
      proof: { keys: [], issuer: 'otp-service' },
      providers: {
        names: ['infobip'],
        routes: new Map(),
        timeoutMs: 5_000,
        maxRequestMs: 15_000,
        maxInFlight: 200,
        infobip: {
          baseUrl: 'http://127.0.0.1:3999',
          apiKey: 'sandbox-key',
          applicationId: 'sandbox-application',
          templateId: 'sandbox-message',
          templateIdsByLocale: new Map([
            ['de', 'sandbox-message-de'],
            ['es', 'sandbox-message-es'],
            ['fr', 'sandbox-message-fr'],
          ]),
        },
        sinch: undefined,
        sandbox: { url: 'http://127.0.0.1:3999', startOn: { host: '127.0.0.1', port: 3999 } },
      },
    });
  });

  it('is frozen', () => {
    const config = configFrom({ OTP_SECRET: SECRET });

    for (const part of [...Object.values(config), config.providers.infobip]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it('uses an Infobip account in production, and no sandbox', () => {
    const { infobip, sandbox } = configFrom(PRODUCTION).providers;

    expect(infobip?.baseUrl).toBe('https://account.api.infobip.com');
    expect(sandbox).toBeUndefined();
  });

  it('names each missing secret in production', () => {
    expect(errorsOf({ NODE_ENV: 'production', INFOBIP_API_KEY: '' })).toBe(
      [
        'The settings cannot be used:',
        '  - OTP_SECRET is required',
        '  - API_KEYS is required; npm run keys:new makes a key',
        '  - INFOBIP_BASE_URL is required',
        '  - INFOBIP_API_KEY is required',
        '  - INFOBIP_APP_ID is required',
        '  - INFOBIP_MESSAGE_ID is required',
      ].join('\n'),
    );
  });

  it('requires credentials for a host that is not the sandbox', () => {
    expect(errorsOf({ INFOBIP_BASE_URL: 'https://account.api.infobip.com' })).toContain(
      'INFOBIP_API_KEY is required',
    );
    expect(errorsOf({ INFOBIP_BASE_URL: 'http://localhost:3999' })).toBe('none');
  });

  it.each([
    'http://account.api.infobip.com',
    'http://127.0.0.1.evil.example',
    'http://localhost.example',
  ])('rejects plain http to %s', (url) => {
    expect(errorsOf({ ...PRODUCTION, INFOBIP_BASE_URL: url })).toContain(
      'INFOBIP_BASE_URL must be an https URL',
    );
  });

  it.each(['user@account.api.infobip.com', 'u:p@account.api.infobip.com'])(
    'rejects a base URL with credentials (%s), and does not show them',
    (host) => {
      const errors = errorsOf({ ...PRODUCTION, INFOBIP_BASE_URL: `https://${host}` });

      expect(errors).toContain('INFOBIP_BASE_URL must have no user and no password');
      expect(errors).not.toContain('@');
    },
  );

  it.each([
    'postgres://otp:p,w@a:5432,b:5432/otp',
    'postgres://otp@a,b/otp',
    'postgres:///otp?host=a,b',
  ])(
    'rejects several hosts, as in %s, and asks for one address that leads to the primary',
    (DATABASE_URL) => {
      expect(errorsOf({ ...PRODUCTION, DATABASE_URL })).toContain(
        'Several hosts are not supported: give one address that leads to the primary',
      );
    },
  );

  it('accepts a comma in the password of a database', () => {
    const DATABASE_URL = 'postgres://otp:p,w@host:5432/otp';

    expect(configFrom({ ...PRODUCTION, DATABASE_URL }).storage.databaseUrl).toBe(DATABASE_URL);
  });

  it.each(['?', '/?a=b', '#', '/#a'])('rejects a base URL that ends with %s', (end) => {
    expect(
      errorsOf({ ...PRODUCTION, SINCH_BASE_URL: `https://verification.api.sinch.com${end}` }),
    ).toContain('SINCH_BASE_URL must have no query and no fragment');
  });

  it('accepts a base URL in capitals and with a path', () => {
    const url = 'HTTPS://Account.API.Infobip.com:443/Relay//';

    expect(configFrom({ ...PRODUCTION, INFOBIP_BASE_URL: url }).providers.infobip?.baseUrl).toBe(
      'https://account.api.infobip.com/Relay',
    );
  });

  it.each([
    ['proxy.example.com:3128', 'http://proxy.example.com:3128/'],
    ['HTTPS://user:p%40ss@proxy.example.com/', 'https://user:p%40ss@proxy.example.com/'],
  ])('accepts the proxy %s', (value, url) => {
    expect(configFrom({ ...PRODUCTION, https_proxy: value }).outbound.httpsProxy).toBe(url);
  });

  // Fastify would listen on each address of this name.
  it.each(['localhost', 'LocalHost'])('listens on one address if HOST is %s', (HOST) => {
    expect(configFrom({ ...PRODUCTION, HOST }).http.host).toBe('127.0.0.1');
  });

  it.each([
    ['OTP_TTL', '11m'],
    ['OTP_TTL', '300'],
    ['OTP_MAX_ATTEMPTS', '11'],
    ['OTP_MAX_ATTEMPTS', '0'],
    ['OTP_MAX_ATTEMPTS', '2.5'],
    ['SEND_COOLDOWN', 'soon'],
    ['PORT', '65536'],
    ['METRICS_PORT', '3000'],
    ['LOG_LEVEL', 'loud'],
    ['NODE_ENV', 'staging'],
    ['THROTTLE_SEND_LIMIT', '-1'],
    ['ALLOW_UNAUTHENTICATED', 'maybe'],
    ['OTP_SECRET', 'short'],
    ['OTP_SECRET', `${SECRET},short`],
    ['DATABASE_URL', 'mysql://127.0.0.1/otp'],
    ['DATABASE_URL', 'postgres://user:password@127.0.0.1:65536/otp'],
    ['DATABASE_URL', 'postgres://user:password@a:5432,b:5432/otp'],
    ['DATABASE_URL', 'postgres://user:password@a,b/otp'],
    ['DATABASE_URL', 'postgres:///otp?host=a%2Cb'],
    ['DATABASE_URL', 'postgres://user:100%ff@127.0.0.1/otp'],
    ['REDIS_URL', 'http://127.0.0.1'],
    ['REDIS_URL', 'redis://127.0.0.1:65536'],
    ['REDIS_URL', 'redis://user:100%ff@127.0.0.1'],
    ['REDIS_URL', 'redis://127.0.0.1:6379/0?commandTimeout=0'],
    ['REDIS_URL', 'redis://a:6379,b:6379'],
    ['REDIS_URL', 'redis://a,b:6379'],
    ['REDIS_URL', 'redis+sentinel://127.0.0.1:26379/primary'],
    ['REDIS_URL', 'redis-cluster://127.0.0.1:6379'],
    ['INFOBIP_BASE_URL', 'https://account.api.infobip.com:65536'],
    ['HTTPS_PROXY', 'socks5://proxy.example.com'],
    ['HTTPS_PROXY', 'proxy.example.com:65536'],
    ['HTTPS_PROXY', 'http://user@proxy.example.com'],
    ['HTTP_PROXY', 'http://user:100%ff@proxy.example.com'],
    ['RETENTION', '1h'],
    ['API_KEYS', 'shop'],
    ['API_KEYS', 'shop:secret'],
    ['API_KEYS', `shop:${'0'.repeat(64)},`],
    ['TRUST_PROXY', 'true'],
    ['TRUST_PROXY', '0'],
    ['TRUST_PROXY', '10.0.0.0/33'],
    ['TRUST_PROXY', '0.0.0.0/0'],
    ['TRUST_PROXY', '::/0'],
    ['CORS_ORIGINS', '*'],
    ['CORS_ORIGINS', 'https://*.example.com'],
    ['CORS_ORIGINS', 'https://app.example.com/path'],
    ['CORS_ORIGINS', 'app.example.com'],
    ['CORS_ORIGINS', 'https://['],
    ['ALLOWED_COUNTRIES', 'DE,XX'],
    ['BLOCKED_NUMBER_TYPES', 'EXPENSIVE'],
    ['BLOCKED_NUMBER_TYPES', 'fax:FIXED_LINE'],
    ['BLOCKED_PREFIXES', '4477'],
    ['BLOCKED_PREFIXES', '+44,GB'],
    ['TRUSTED_PREFIXES', '+0447'],
    ['NUMBER_CHECK', 'never'],
    ['TEST_NUMBERS', '+15550001111'],
    ['TEST_NUMBERS', '15550001111:123456'],
    ['TEST_NUMBERS', '+15550001111:123456@2026-02-30'],
    ['TEST_NUMBERS', '+15550001111:123456@tomorrow'],
    ['PROVIDERS', 'infobip,twilio'],
    ['PROVIDERS', 'sinch,sinch'],
    ['PROVIDERS', ','],
    ['PROVIDER_ROUTES', 'IN'],
    ['PROVIDER_ROUTES', 'IN:'],
    ['PROVIDER_ROUTES', 'XX:infobip'],
    ['PROVIDER_ROUTES', '*:infobip'],
    ['PROVIDER_ROUTES', 'IN:twilio'],
    ['PROVIDER_ROUTES', 'IN:infobip+infobip'],
    ['PROVIDER_ROUTES', 'IN:infobip:sinch'],
    ['PROVIDER_ROUTES', 'IN:infobip,in:infobip'],
    ['PROVIDER_ROUTES', 'IN:sinch'],
    ['SINCH_APPLICATION_SECRET', 'no base64!'],
    ['INFOBIP_MESSAGE_IDS', 'ABC'],
    ['INFOBIP_MESSAGE_IDS', 'de:'],
    ['INFOBIP_MESSAGE_IDS', 'de.CH:ABC'],
    ['INFOBIP_MESSAGE_IDS', 'x-private:ABC'],
    ['INFOBIP_MESSAGE_IDS', 'pt-BR:ABC,pt_br:DEF'],
  ])('rejects %s=%s', (name, value) => {
    expect(errorsOf({ [name]: value })).toMatch(new RegExp(`- ${name} must (be|have|look like)`));
  });

  it('names the file that a database URL names, if the file cannot be read', () => {
    const DATABASE_URL = 'postgres://otp:password@db/otp?sslrootcert=/nowhere';

    expect(errorsOf({ DATABASE_URL })).toContain(
      '- DATABASE_URL names the file /nowhere, which cannot be read (ENOENT)',
    );
    expect(errorsOf({ DATABASE_URL })).not.toContain('password');
  });

  it.each([
    ['TEST_NUMBERS', '+15550001111', {}],
    ['EVENTS_URL', 'http://example.com', { EVENTS_SECRET: `whsec_${'A'.repeat(32)}` }],
  ])('has one error in production for the invalid %s=%s', (name, value, others) => {
    expect(errorsOf({ ...PRODUCTION, ...others, [name]: value }).split('\n  - ')).toEqual([
      'The settings cannot be used:',
      expect.stringMatching(`^${name} must be`),
    ]);
  });

  it('requires a last day for each test number in production', () => {
    const testNumber = '+15550001111:123456';

    expect(errorsOf({ ...PRODUCTION, TEST_NUMBERS: testNumber })).toContain(
      'TEST_NUMBERS must each have a last day in production',
    );
    expect(errorsOf({ ...PRODUCTION, TEST_NUMBERS: `${testNumber}@2026-12-31` })).toBe('none');
    expect(errorsOf({ TEST_NUMBERS: testNumber })).toBe('none');
  });

  it('rejects one API key for two clients, and names the clients but not the key', () => {
    const [hash, otherHash] = ['ab'.repeat(32), '0'.repeat(64)];
    const entries = (second: string) => `shop:${hash}, bank:${otherHash}, ${second}`;

    expect(errorsOf({ API_KEYS: entries(`bank:${hash.toUpperCase()}`) })).toBe(
      'The settings cannot be used:\n' +
        '  - API_KEYS must have a different key for each client, but shop and bank share one',
    );
    expect(errorsOf({ API_KEYS: entries(`shop:${hash}`) })).toBe('none');
  });

  it('parses number types of one channel, and 001 for numbers of no country', () => {
    const { destinations } = configFrom({
      OTP_SECRET: SECRET,
      ALLOWED_COUNTRIES: '*, 001',
      BLOCKED_NUMBER_TYPES: 'premium_rate, SMS:fixed_line, voice:PAGER',
    });

    expect(destinations.allowedCountries).toEqual(['*', '001']);
    expect(destinations.blockedTypes).toEqual(['PREMIUM_RATE', 'sms:FIXED_LINE', 'voice:PAGER']);
  });

  it.each([
    ['+4477', '+4477'],
    ['+44,+14155552671', '+1 415 555 2671'],
    ['+5411', '+54911'],
  ])('rejects a prefix that is both blocked (%s) and trusted (%s)', (blocked, trusted) => {
    expect(errorsOf({ BLOCKED_PREFIXES: blocked, TRUSTED_PREFIXES: trusted })).toBe(
      'The settings cannot be used:\n' +
        '  - BLOCKED_PREFIXES and TRUSTED_PREFIXES must not have the same prefix',
    );
  });

  it('parses the providers of countries', () => {
    const { providers } = configFrom({
      OTP_SECRET: SECRET,
      PROVIDERS: 'infobip,sinch',
      PROVIDER_ROUTES: 'in:sinch + Infobip, US:infobip,001:sinch',
    });

    expect(providers.routes).toEqual(
      new Map([
        ['IN', ['sinch', 'infobip']],
        ['US', ['infobip']],
        ['001', ['sinch']],
      ]),
    );
  });

  it('parses message templates by canonical language tag', () => {
    const templatesOf = (settings: NodeJS.ProcessEnv) =>
      configFrom({ OTP_SECRET: SECRET, ...settings }).providers.infobip?.templateIdsByLocale;

    expect(templatesOf({ INFOBIP_MESSAGE_IDS: 'de:A, PT-br:B:1, iw:C' })).toEqual(
      new Map([
        ['de', 'A'],
        ['pt-BR', 'B:1'],
        ['he', 'C'],
      ]),
    );
    expect(templatesOf({ INFOBIP_MESSAGE_ID: 'A' })).toEqual(new Map());
  });

  it('parses lists', () => {
    const { auth, http, destinations } = configFrom({
      OTP_SECRET: SECRET,
      API_KEYS: `shop:${'0'.repeat(64)}, shop:${'F'.repeat(64)}`,
      TRUST_PROXY: '10.0.0.0/8, ::1',
      CORS_ORIGINS: 'https://App.example.com,http://localhost:8080',
      ALLOWED_COUNTRIES: 'de, at',
      BLOCKED_NUMBER_TYPES: 'none',
      BLOCKED_PREFIXES: '+44 77, +5411',
      TRUSTED_PREFIXES: '+521 55',
      TEST_NUMBERS: '+15550001111:123456, +15550002222:abcd@2026-12-31',
    });

    expect(auth.apiKeys.map(({ client }) => client)).toEqual(['shop', 'shop']);
    expect(http).toMatchObject({
      trustProxy: ['10.0.0.0/8', '::1'],
      corsOrigins: ['https://app.example.com', 'http://localhost:8080'],
    });
    expect(destinations).toEqual({
      allowedCountries: ['DE', 'AT'],
      blockedTypes: [],
      blockedPrefixes: ['+4477', '+5411', '+54911'],
      trustedPrefixes: ['+5255'],
      numberCheck: 'valid',
      testNumbers: [
        { identity: '+15550001111', code: '123456', expiresAt: undefined },
        { identity: '+15550002222', code: 'abcd', expiresAt: Date.parse('2027-01-01T00:00:00Z') },
      ],
    });
    expect(configFrom({ OTP_SECRET: SECRET, TRUST_PROXY: '2' }).http.trustProxy).toBe(2);
  });

  describe('with several providers', () => {
    const INFOBIP = {
      INFOBIP_BASE_URL: 'https://account.api.infobip.com',
      INFOBIP_API_KEY: 'key',
      INFOBIP_APP_ID: 'application',
      INFOBIP_MESSAGE_ID: 'message',
    };
    const SINCH = { SINCH_APPLICATION_KEY: 'key', SINCH_APPLICATION_SECRET: 'c2VjcmV0' };
    const providersOf = (variables: NodeJS.ProcessEnv) =>
      configFrom({ OTP_SECRET: SECRET, API_KEYS: PRODUCTION.API_KEYS, ...variables }).providers;
    const production = (variables: NodeJS.ProcessEnv) => ({
      NODE_ENV: 'production',
      OTP_SECRET: SECRET,
      API_KEYS: PRODUCTION.API_KEYS,
      ...variables,
    });

    it('keeps the order of PROVIDERS, and has the account of each provider', () => {
      const config = providersOf(production({ PROVIDERS: 'sinch, infobip', ...INFOBIP, ...SINCH }));

      expect(config.names).toEqual(['sinch', 'infobip']);
      expect(config.maxRequestMs).toBe(3 * config.timeoutMs + 5_000);
      expect(config.infobip).toMatchObject({ apiKey: 'key' });
      expect(config.sinch).toEqual({
        baseUrl: 'https://verification.api.sinch.com',
        applications: [{ applicationKey: 'key', applicationSecret: 'c2VjcmV0' }],
      });
    });

    it.each([
      ['key', ['key', 'key']],
      ['key, other', ['key', 'other']],
    ])('takes two secrets of SINCH_APPLICATION_KEY=%s during a rotation', (keys, expected) => {
      const { sinch } = providersOf({
        PROVIDERS: 'sinch',
        SINCH_APPLICATION_KEY: keys,
        SINCH_APPLICATION_SECRET: 'c2VjcmV0, b3RoZXI',
      });

      expect(sinch?.applications).toEqual([
        { applicationKey: expected[0], applicationSecret: 'c2VjcmV0' },
        { applicationKey: expected[1], applicationSecret: 'b3RoZXI' },
      ]);
    });

    it.each([
      [{ SINCH_APPLICATION_KEY: 'key,' }, 'SINCH_APPLICATION_KEY must be one key or two'],
      [{ SINCH_APPLICATION_KEY: 'a,b,c' }, 'SINCH_APPLICATION_KEY must be one key or two'],
      [
        { SINCH_APPLICATION_SECRET: 'c2VjcmV0,no base64!' },
        'SINCH_APPLICATION_SECRET must be one secret or two, each in base64',
      ],
      [
        { SINCH_APPLICATION_KEY: 'key,other' },
        'SINCH_APPLICATION_SECRET must have a secret for each key in SINCH_APPLICATION_KEY',
      ],
    ])('rejects the Sinch credentials %j', (credentials, message) => {
      const text = errorsOf({ PROVIDERS: 'sinch', ...SINCH, ...credentials });

      expect(text).toContain(message);
      expect(text.match(/SINCH_\w+ must/g)).toHaveLength(1);
    });

    it('requires in production the credentials of the providers in use only', () => {
      const missing = (PROVIDERS: string) =>
        [...errorsOf(production({ PROVIDERS })).matchAll(/- (\w+) is required/g)].map(
          ([, name]) => name,
        );
      const ofSinch = Object.keys(SINCH);

      expect(missing('sinch')).toEqual(ofSinch);
      expect(missing('sinch,infobip')).toEqual([...ofSinch, ...Object.keys(INFOBIP)]);
      expect(errorsOf(production({ PROVIDERS: 'sinch', ...SINCH }))).toBe('none');
      expect(errorsOf(production(INFOBIP))).toBe('none');
    });

    it('replaces all providers by one sandbox outside production', () => {
      const { infobip, sinch, sandbox } = providersOf({
        PROVIDERS: 'infobip,sinch',
        SANDBOX_PORT: '4000',
      });

      expect(sandbox).toEqual({
        url: 'http://127.0.0.1:4000',
        startOn: { host: '127.0.0.1', port: 4000 },
      });
      expect(infobip?.baseUrl).toBe(sandbox?.url);
      expect(sinch?.baseUrl).toBe(sandbox?.url);
    });

    it.each(['INFOBIP_BASE_URL', 'SINCH_BASE_URL'])('uses the sandbox at %s', (name) => {
      const url = 'http://127.0.0.1:4001';
      const { infobip, sinch, sandbox } = providersOf({ PROVIDERS: 'infobip,sinch', [name]: url });

      expect(sandbox).toEqual({ url, startOn: undefined });
      expect([infobip?.baseUrl, sinch?.baseUrl]).toEqual([url, url]);
    });

    it('replaces no provider by the sandbox if another has a real account', () => {
      const both = { PROVIDERS: 'infobip,sinch' };

      expect(errorsOf({ ...both, ...INFOBIP })).toContain('SINCH_APPLICATION_KEY is required');
      expect(errorsOf({ ...both, ...SINCH })).toContain('INFOBIP_BASE_URL is required');
      expect(providersOf({ ...both, ...INFOBIP, ...SINCH }).sandbox).toBeUndefined();
    });

    it('uses Sinch’s own host with Sinch credentials', () => {
      const { sinch, sandbox } = providersOf({ PROVIDERS: 'sinch', ...SINCH });

      expect(sinch?.baseUrl).toBe('https://verification.api.sinch.com');
      expect(sandbox).toBeUndefined();
    });

    it.each([
      { SINCH_APPLICATION_KEY: 'key' },
      { SINCH_APPLICATION_SECRET: 'c2VjcmV0' },
      { SINCH_APPLICATION_KEY: 'key', SINCH_BASE_URL: 'http://127.0.0.1:4001' },
    ])('rejects incomplete Sinch credentials: %j', (half) => {
      expect(errorsOf({ PROVIDERS: 'sinch', ...half })).toMatch(
        /SINCH_APPLICATION_(KEY|SECRET) is required/,
      );
      expect(errorsOf(half)).toBe('none');
    });
  });

  describe('for infobip:setup', () => {
    const account = {
      NODE_ENV: 'production',
      INFOBIP_BASE_URL: 'https://account.api.infobip.com',
      INFOBIP_API_KEY: 'key',
    };

    it('requires neither the ids that infobip:setup creates nor a secret', () => {
      const { env, ...ids } = loadSetupEnvironment({ ...account, INFOBIP_APP_ID: '' });

      expect(providersConfig(env).infobip).toMatchObject({
        baseUrl: 'https://account.api.infobip.com',
        apiKey: 'key',
      });
      expect(ids).toEqual({ applicationId: undefined, templateId: undefined });
    });

    it('is for Infobip, regardless of PROVIDERS and PROVIDER_ROUTES', () => {
      const { env } = loadSetupEnvironment({
        ...account,
        PROVIDERS: 'sinch',
        PROVIDER_ROUTES: 'IN:sinch',
      });

      expect(providersConfig(env).infobip).toMatchObject({ apiKey: 'key' });
    });

    it('keeps the ids and the clients of the settings', () => {
      const settings = {
        ...account,
        INFOBIP_APP_ID: 'application',
        INFOBIP_MESSAGE_ID: 'message',
        API_KEYS: `shop:${'a'.repeat(64)}`,
      };

      const { env, ...ids } = loadSetupEnvironment(settings);

      expect(authConfig(env)).toMatchObject({ apiKeys: [{ client: 'shop' }] });
      expect(ids).toEqual({ applicationId: 'application', templateId: 'message' });
    });

    it('accepts METRICS_CLIENT before production has API_KEYS', () => {
      expect(() => loadSetupEnvironment({ ...account, METRICS_CLIENT: 'monitor' })).not.toThrow();
    });

    it('creates no secret, and returns no id of the sandbox', () => {
      const empty = join(dataDir, 'of-a-set-up');

      const { env, ...ids } = loadSetupEnvironment({ DATA_DIR: empty });

      expect(ids).toEqual({ applicationId: undefined, templateId: undefined });
      expect(encryptionConfig(env).secrets).toHaveLength(1);
      expect(() => statSync(empty)).toThrow('ENOENT');
    });

    it('requires the API key of the account', () => {
      expect(() => loadSetupEnvironment({ ...account, INFOBIP_API_KEY: '' })).toThrow(
        'INFOBIP_API_KEY is required',
      );
    });
  });

  describe('with a variable that looks like a setting', () => {
    const warningsOf = (...names: string[]) =>
      parseEnvironment({
        OTP_SECRET: SECRET,
        ...Object.fromEntries(names.map((name) => [name, 'x'])),
      }).warnings;

    it.each([
      ['OTP_TLL', 'OTP_TTL'],
      ['otp_ttl', 'OTP_TTL'],
      ['API_KEY', 'API_KEYS'],
      ['SEND_COOLDWN', 'SEND_COOLDOWN'],
      ['ALLOWED_COUNTRY', 'ALLOWED_COUNTRIES'],
      ['INFOBIP_MESAGE_IDS', 'INFOBIP_MESSAGE_IDS'],
    ])('warns about %s and suggests %s', (name, closest) => {
      expect(warningsOf(name)).toEqual([`${name} is not a setting: did you mean ${closest}?`]);
    });

    it.each(['OTP_LENGTH', 'INFOBIP_SENDER', 'SINCH_REGION', 'PUMPING_BUDGET', 'THROTTLE_BURST'])(
      'warns about %s because of its prefix',
      (name) => {
        expect(warningsOf(name)).toEqual([`${name} is not a setting.`]);
      },
    );

    it('does not warn about settings or unrelated variables', () => {
      expect(warningsOf('HOME', 'HOSTNAME', 'SHELL', 'PORTS', 'POST', 'MODE_ENV_X')).toEqual([]);
      expect(warningsOf('PGPASSWORD', 'POSTGRES_PASSWORD', 'NODE_OPTIONS', 'PGDATABASE')).toEqual(
        [],
      );
      expect(warningsOf('http_proxy', 'FTP_PROXY', 'ALL_PROXY', 'no_proxy')).toEqual([]);
      // Used by clients in the docs' examples, and set by Kubernetes for a service named `otp`.
      expect(warningsOf('OTP_URL', 'OTP_API_KEY', 'OTP_SERVICE_HOST', 'OTP_PORT_80_TCP')).toEqual(
        [],
      );
      const { warnings } = parseEnvironment({
        ...PRODUCTION,
        ...Object.fromEntries(SETTING_NAMES.map((name) => [name, ''])),
        NODE_ENV: 'test',
      });
      expect(warnings).toEqual([]);
    });

    it('causes no error, but is named in the message about other errors', () => {
      expect(errorsOf({ OTP_TLL: '5m' })).toBe('none');
      expect(errorsOf({ ...PRODUCTION, API_KEYS: '', API_KEY: 'x' })).toBe(
        [
          'The settings cannot be used:',
          '  - API_KEYS is required; npm run keys:new makes a key',
          '  - API_KEY is not a setting: did you mean API_KEYS?',
        ].join('\n'),
      );
    });
  });

  it.each([
    ['UK', 'GB (United Kingdom)'],
    ['de, en', 'GB (United Kingdom)'],
    ['EL,USA', 'GR (Greece), US (United States)'],
  ])('suggests for ALLOWED_COUNTRIES=%s: %s', (value, suggestion) => {
    expect(errorsOf({ ALLOWED_COUNTRIES: value })).toContain(
      `ALLOWED_COUNTRIES must be * or ISO 3166 codes such as DE,AT,CH: did you mean ${suggestion}?`,
    );
    expect(errorsOf({ ALLOWED_COUNTRIES: 'XX' })).not.toContain('did you mean');
  });

  it('creates a secret outside production, and uses it again at the next start', () => {
    const { secrets } = configFrom({ DATA_DIR: dataDir }).encryption;

    expect(Buffer.from(secrets[0], 'base64url')).toHaveLength(32);
    expect(configFrom({ DATA_DIR: dataDir }).encryption.secrets).toEqual(secrets);
    expect(statSync(join(dataDir, 'otp-secret')).mode & 0o077).toBe(0);
  });

  it.each([
    ['an empty file', '', 'is empty'],
    ['a blank file', '\n', 'is empty'],
    ['half of the secret', 'c2VjcmV0', 'is too short for a secret'],
  ])('rejects %s in place of the created secret, and keeps the file', (_name, content, problem) => {
    const folder = mkdtempSync(join(tmpdir(), 'otp-secret-'));
    const file = join(folder, 'otp-secret');
    writeFileSync(file, content);

    const errors = errorsOf({ DATA_DIR: folder, PORT: 'x' });
    const errorsWithSecret = errorsOf({ DATA_DIR: folder, OTP_SECRET: SECRET });
    const kept = readFileSync(file, 'utf8');
    rmSync(folder, { recursive: true });
    expect(errors).toContain(`- DATA_DIR has a file otp-secret that ${problem}: restore it`);
    expect(errors).toContain('- PORT must be');
    expect(errorsWithSecret).toBe('none');
    expect(kept).toBe(content);
  });

  it('rejects a created secret that cannot be read', () => {
    const folder = mkdtempSync(join(tmpdir(), 'otp-secret-'));
    mkdirSync(join(folder, 'otp-secret'));

    const errors = errorsOf({ DATA_DIR: folder });
    rmSync(folder, { recursive: true });
    expect(errors).toContain('- DATA_DIR has a file otp-secret that cannot be read (EISDIR)');
  });

  it('accepts a METRICS_CLIENT that API_KEYS names', () => {
    const { http } = configFrom({ ...PRODUCTION, METRICS_CLIENT: 'shop' });

    expect(http.metricsClient).toBe('shop');
  });

  it.each([
    ['another client', { ...PRODUCTION, METRICS_CLIENT: 'monitor' }],
    ['a client in another case', { ...PRODUCTION, METRICS_CLIENT: 'Shop' }],
    ['a client without API_KEYS', { METRICS_CLIENT: 'monitor' }],
  ])('rejects METRICS_CLIENT with %s, beside all other errors', (_name, variables) => {
    const errors = errorsOf({ OTP_SECRET: SECRET, ...variables, OTP_TTL: '1h' });

    expect(errors).toContain('- METRICS_CLIENT must be the name of a client in API_KEYS');
    expect(errors).toContain('- OTP_TTL must be');
    expect(errors).not.toMatch(/monitor|Shop/);
  });

  it.each(['', 'shop'])(
    'names only API_KEYS if API_KEYS is %j and METRICS_CLIENT is set',
    (keys) => {
      const errors = errorsOf({ ...PRODUCTION, API_KEYS: keys, METRICS_CLIENT: 'monitor' });

      expect(errors).toContain('- API_KEYS ');
      expect(errors).not.toContain('METRICS_CLIENT');
    },
  );

  it('accepts several secrets, the current one first', () => {
    expect(configFrom({ OTP_SECRET: `${SECRET}, ${SECRET}-2` }).encryption.secrets).toEqual([
      SECRET,
      `${SECRET}-2`,
    ]);
  });

  it.each([
    ['with a sandbox that runs already', { INFOBIP_BASE_URL: 'http://127.0.0.1:4000' }],
    ['in tests', { NODE_ENV: 'test' }],
    ['with another provider', { PROVIDERS: 'sinch' }],
  ])('switches no delivery reports on by itself %s', (_where, settings) => {
    expect(configFrom({ OTP_SECRET: SECRET, ...settings }).reports.isOn).toBe(false);
  });

  it('reports all errors at once, and no secret', () => {
    const errors = errorsOf({
      PORT: 'x',
      OTP_TTL: 'y',
      INFOBIP_BASE_URL: 'secret',
      INFOBIP_API_KEY: 'secret',
    });

    expect(errors).toMatch(/PORT[^]*INFOBIP_BASE_URL[^]*OTP_TTL/);
    expect(errors).not.toContain('secret');
  });

  it.each(SETTING_NAMES)('does not show the value of %s in an error', (name) => {
    for (const value of ['aB3dE5gH9', '+14155552671', 'redis://:aB3dE5gH9@h/%zz', '4155552671.5']) {
      const scanner = new SecretScanner();
      scanner.add('value', value);

      expect(scanner.scan(errorsOf({ ...PRODUCTION, [name]: value }))).toEqual([]);
    }
  });
});
