import { parseEnvironment } from '../../src/config/environment.js';
import { readConfig, testEnvironment } from '../support/config.js';

const TOKEN = 'sixteen-letters.';
const HMAC = { INFOBIP_REPORT_HMAC_SECRET: 'secret', INFOBIP_REPORT_HMAC_HEADER: 'X-Signature' };
const PUBLIC_URL = 'https://otp.example.com/codes/';

/** Reads the settings outside development, where reports of the sandbox are on by default. */
const reportsFrom = (settings: NodeJS.ProcessEnv) =>
  readConfig(testEnvironment({ NODE_ENV: 'test', ...settings })).reports;

function errorsOf(settings: NodeJS.ProcessEnv): string {
  try {
    parseEnvironment(settings);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('The settings of delivery reports', () => {
  it('switch reports on for each provider separately, and for none by default', () => {
    expect(reportsFrom({})).toEqual({ infobip: undefined, sinch: undefined, isOn: false });
    expect(reportsFrom({ INFOBIP_REPORT_TOKEN: TOKEN })).toEqual({
      infobip: { tokens: [TOKEN], hmac: undefined },
      sinch: undefined,
      isOn: true,
    });
    const sinch = { PROVIDERS: 'sinch', SINCH_REPORTS: 'true', PUBLIC_URL };
    expect(reportsFrom(sinch)).toEqual({
      infobip: undefined,
      sinch: {
        url: 'https://otp.example.com/codes/provider-reports/sinch',
        path: '/codes/provider-reports/sinch',
      },
      isOn: true,
    });
  });

  it('are on in development for the sandbox that the service starts', () => {
    expect(reportsFrom({ NODE_ENV: 'development' })).toMatchObject({
      infobip: { tokens: [expect.any(String)], hmac: { header: 'x-signature' } },
      sinch: undefined,
    });
  });

  it('concern only providers in PROVIDERS', () => {
    expect(reportsFrom({ SINCH_REPORTS: 'true', PUBLIC_URL })).toMatchObject({ isOn: false });
    expect(reportsFrom({ PROVIDERS: 'sinch', INFOBIP_REPORT_TOKEN: TOKEN })).toMatchObject({
      isOn: false,
    });
  });

  it('take two tokens and two secrets during a rotation, and the name of a header in any case', () => {
    const { infobip } = reportsFrom({
      INFOBIP_REPORT_TOKEN: `${TOKEN}, ${TOKEN}2`,
      ...HMAC,
      INFOBIP_REPORT_HMAC_SECRET: 'secret, secret2',
    });

    expect(infobip).toEqual({
      tokens: [TOKEN, `${TOKEN}2`],
      hmac: { secrets: ['secret', 'secret2'], header: 'x-signature' },
    });
  });

  it.each([
    'fifteen-letters',
    `${TOKEN},short`,
    `${TOKEN},${TOKEN},${TOKEN}`,
    'a token with blanks',
  ])('reject INFOBIP_REPORT_TOKEN=%s, and do not show it', (token) => {
    const text = errorsOf({ INFOBIP_REPORT_TOKEN: token });

    expect(text).toContain('INFOBIP_REPORT_TOKEN must be one token or two, each of at least 16');
    expect(text).not.toContain(token);
  });

  it.each(['secret,', 'secret,secret2,secret3', 's'.repeat(256)])(
    'reject INFOBIP_REPORT_HMAC_SECRET=%s, and do not show it',
    (secret) => {
      const text = errorsOf({
        INFOBIP_REPORT_TOKEN: TOKEN,
        ...HMAC,
        INFOBIP_REPORT_HMAC_SECRET: secret,
      });

      expect(text).toContain('INFOBIP_REPORT_HMAC_SECRET must be one secret or two, each of at');
      expect(text).not.toContain(secret);
    },
  );

  it.each([
    [
      { INFOBIP_REPORT_TOKEN: TOKEN, INFOBIP_REPORT_HMAC_SECRET: 'secret' },
      'INFOBIP_REPORT_HMAC_SECRET and INFOBIP_REPORT_HMAC_HEADER must be set together, or neither',
    ],
    [HMAC, 'INFOBIP_REPORT_TOKEN is required with INFOBIP_REPORT_HMAC_SECRET'],
    [
      { INFOBIP_REPORT_TOKEN: TOKEN, ...HMAC, INFOBIP_REPORT_HMAC_HEADER: 'no header' },
      'INFOBIP_REPORT_HMAC_HEADER must be the name of an HTTP header',
    ],
    [{ SINCH_REPORTS: 'true' }, 'PUBLIC_URL is required with SINCH_REPORTS: Sinch signs its path'],
    [{ PUBLIC_URL: 'http://otp.example.com' }, 'PUBLIC_URL must be an https URL'],
  ])('reject %j, and say what is missing', (settings, message) => {
    expect(errorsOf(settings)).toContain(message);
  });
});
