import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { authConfig } from '../../src/config/auth.config.js';
import { SECRET_NAMES } from '../../src/config/config.module.js';
import { encryptionConfig } from '../../src/config/encryption.config.js';
import { loadSetupEnvironment, parseEnvironment } from '../../src/config/environment.js';
import { outboundConfig } from '../../src/config/outbound.config.js';
import { toFileVariable } from '../../src/config/secret-files.js';
import { readConfig } from '../support/config.js';
import { PRODUCTION_SETTINGS } from '../support/production-settings.js';
import { newProofKey, toKeySet } from '../support/proof-keys.js';
import { dropPrivileges } from '../support/services/drop-privileges.js';

/** A valid value of each secret. */
const SECRETS: Readonly<Record<string, string>> = {
  OTP_SECRET: PRODUCTION_SETTINGS.OTP_SECRET,
  API_KEYS: PRODUCTION_SETTINGS.API_KEYS,
  DATABASE_URL: 'postgres://otp:p,w@host:5432/otp',
  REDIS_URL: 'rediss://otp:password@host:6379',
  INFOBIP_API_KEY: 'an-infobip-key',
  INFOBIP_REPORT_TOKEN: 'a-token-of-reports',
  INFOBIP_REPORT_HMAC_SECRET: 'a-secret-of-reports',
  SINCH_APPLICATION_KEY: 'a-sinch-key',
  SINCH_APPLICATION_SECRET: 'c2VjcmV0',
  HTTPS_PROXY: 'http://user:password@proxy.example.com:3128/',
  HTTP_PROXY: 'http://user:password@other.example.com:3128/',
  TEST_NUMBERS: '+15550001111:123456@2999-12-31',
  BLOCKED_PREFIXES: '+88299',
  TRUSTED_PREFIXES: '+4930123456',
  EVENTS_SECRET: `whsec_${'A'.repeat(32)}`,
  PROOF_KEYS: toKeySet(newProofKey('key')),
  OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20key',
};
const OTHER_SETTINGS = {
  ...PRODUCTION_SETTINGS,
  PROVIDERS: 'infobip,sinch',
  PROOF_ISSUER: 'otp',
  INFOBIP_REPORT_HMAC_HEADER: 'x-signature',
  EVENTS_URL: 'https://example.com/events',
};

describe('A secret in a file', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'otp-secrets-'));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  function write(name: string, content: string | Buffer): string {
    const file = join(folder, name);
    writeFileSync(file, content);
    return file;
  }

  function errorsOf(variables: NodeJS.ProcessEnv): string {
    try {
      parseEnvironment(variables);
    } catch (error) {
      return (error as Error).message;
    }
    return 'none';
  }

  it('has the same effect as the variable, for every secret and without a warning', () => {
    expect(Object.keys(SECRETS).sort()).toEqual([...SECRET_NAMES].sort());
    const files = Object.entries(SECRETS).map(([name, value]) => [
      toFileVariable(name),
      write(name, `${value}\n`),
    ]);
    const empty = Object.fromEntries(SECRET_NAMES.map((name) => [name, '']));

    const env = parseEnvironment({ ...OTHER_SETTINGS, ...empty, ...Object.fromEntries(files) });

    expect(readConfig(env)).toEqual(
      readConfig(parseEnvironment({ ...OTHER_SETTINGS, ...SECRETS })),
    );
    expect(env.warnings).toEqual(parseEnvironment({ ...OTHER_SETTINGS, ...SECRETS }).warnings);
  });

  it.each(['\n', '\r\n', '\n\n', ''])(
    'loses its byte order mark and the line breaks at its end, as in %j',
    (end) => {
      const OTP_SECRET_FILE = write(
        'secret',
        `\uFEFF ${SECRETS['OTP_SECRET'] ?? ''},\nolder ${'x'.repeat(32)}${end}`,
      );

      const env = parseEnvironment({ OTP_SECRET_FILE });

      expect(encryptionConfig(env).secrets).toEqual([
        SECRETS['OTP_SECRET'],
        `older ${'x'.repeat(32)}`,
      ]);
    },
  );

  it.each([
    ['is missing', () => '/nonexistent/secret', 'it does not exist (ENOENT)'],
    [
      'is a folder',
      () => mkdirSync(join(folder, 'of'), { recursive: true }) ?? folder,
      'it is a folder (EISDIR)',
    ],
    ['is empty', () => write('empty', ''), 'it is empty'],
    ['is blank', () => write('blank', ' \n\n'), 'it is empty'],
    [
      'is below a file',
      () => join(write('file', 'x'), 'secret'),
      'a part of its path is no folder',
    ],
    ['has random bytes', () => write('bytes', Buffer.alloc(40, 0xff)), 'it is not UTF-8 text'],
    ['has too long a path', () => `/${'a'.repeat(5_000)}`, 'it cannot be read (ENAMETOOLONG)'],
  ])(
    'is an error that names the setting and not the path, if the file %s',
    (_name, make, problem) => {
      const path = make();

      for (const name of ['OTP_SECRET', 'API_KEYS', 'INFOBIP_API_KEY', 'DATABASE_URL']) {
        const variable = toFileVariable(name);
        const errors = errorsOf({
          ...PRODUCTION_SETTINGS,
          [name]: '',
          [variable]: path,
          PORT: 'x',
        });

        expect(errors).toContain(`- ${variable} must name a readable file: ${problem}`);
        expect(errors).toContain('- PORT must be');
        // A heading, and one line for each of the two errors.
        expect(errors.split('\n')).toHaveLength(3);
        expect(errors).not.toContain(path);
      }
    },
  );

  it('is an error if the user of the service may not read the file', () => {
    chmodSync(folder, 0o755);
    const OTP_SECRET_FILE = write('unreadable', SECRETS['OTP_SECRET'] ?? '');
    chmodSync(OTP_SECRET_FILE, 0);
    const user = dropPrivileges();
    // Root can read every file.
    if (user) process.seteuid?.(user.uid);

    const errors = errorsOf({ OTP_SECRET_FILE });

    if (user) process.seteuid?.(0);
    expect(errors).toContain(
      "- OTP_SECRET_FILE must name a readable file: let the service's user read it (EACCES)",
    );
  });

  it('does not make METRICS_CLIENT an error, if the API keys cannot be read', () => {
    const errors = errorsOf({ API_KEYS_FILE: join(folder, 'missing'), METRICS_CLIENT: 'shop' });

    expect(errors).toContain('- API_KEYS_FILE must name a readable file');
    expect(errors).not.toContain('METRICS_CLIENT');
  });

  it('is an error if the variable is set, too', () => {
    const API_KEYS_FILE = write('keys', SECRETS['API_KEYS'] ?? '');

    const errors = errorsOf({ ...PRODUCTION_SETTINGS, API_KEYS_FILE });

    expect(errors).toContain('- API_KEYS and API_KEYS_FILE are both set: remove one of them');
    expect(errorsOf({ ...PRODUCTION_SETTINGS, API_KEYS_FILE: '' })).toBe('none');
  });

  it('follows the rules of the setting, whose error shows no content', () => {
    const DATABASE_URL_FILE = write('url', 'mysql://a-secret-host/otp');

    const errors = errorsOf({ ...PRODUCTION_SETTINGS, DATABASE_URL_FILE });

    expect(errors).toContain('- DATABASE_URL must look like');
    expect(errors).not.toContain('a-secret-host');
  });

  it('conflicts with a proxy whose variable is in lower case', () => {
    const HTTPS_PROXY_FILE = write('proxy', SECRETS['HTTPS_PROXY'] ?? '');

    expect(outboundConfig(parseEnvironment({ ...PRODUCTION_SETTINGS, HTTPS_PROXY_FILE }))).toEqual(
      expect.objectContaining({ httpsProxy: SECRETS['HTTPS_PROXY'] }),
    );
    expect(
      errorsOf({ ...PRODUCTION_SETTINGS, HTTPS_PROXY_FILE, https_proxy: 'http://p:1' }),
    ).toContain('HTTPS_PROXY and HTTPS_PROXY_FILE are both set');
  });

  it('is read by infobip:setup only if the command needs the setting', () => {
    const { env } = loadSetupEnvironment({
      NODE_ENV: 'production',
      INFOBIP_BASE_URL: 'https://account.api.infobip.com',
      INFOBIP_API_KEY_FILE: write('key', 'key'),
      OTP_SECRET_FILE: '/nonexistent/secret',
      API_KEYS_FILE: write('keys', SECRETS['API_KEYS'] ?? ''),
    });

    expect(authConfig(env)).toMatchObject({ apiKeys: [{ client: 'shop' }] });
  });

  it.each([
    ['OTP_SECRET_FIEL', 'OTP_SECRET_FIEL is not a setting: did you mean OTP_SECRET_FILE?'],
    ['OTP_TTL_FILE', 'OTP_TTL_FILE is not a setting.'],
  ])('cannot be given by %s, which gets a warning', (name, warning) => {
    expect(parseEnvironment({ ...PRODUCTION_SETTINGS, [name]: 'x' }).warnings).toContain(warning);
  });
});
