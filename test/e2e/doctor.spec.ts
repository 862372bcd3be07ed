import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { minutes } from '../../src/common/durations.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { newApiKey } from '../support/api-key.js';
import { callInfobip, runCommand } from '../support/cli.js';
import {
  hang,
  dropConnection,
  reply,
  startScriptedUpstream,
  type Script,
  type ScriptedUpstream,
} from '../support/scripted-upstream.js';
import { startService } from '../support/service.js';
import { scaled } from '../support/time-scale.js';

const KEY = 'a-key-that-nobody-may-see';
const CONFIGURATION = {
  pinAttempts: 5,
  allowMultiplePinVerifications: false,
  pinTimeToLive: '5m',
  verifyPinLimit: '5/1s',
  sendPinPerApplicationLimit: '100000/1d',
  sendPinPerPhoneNumberLimit: '10/1d',
};
const TEMPLATE = { messageText: 'Code: {{pin}}', pinType: 'NUMERIC', pinLength: 6 };

interface Finding {
  check: string;
  level: string;
  message: string;
  remedy?: string;
}

jest.setTimeout(minutes(1));

const cwd = mkdtempSync(join(tmpdir(), 'otp-doctor-'));

afterAll(() => {
  rmSync(cwd, { recursive: true });
});

async function examine(settings: NodeJS.ProcessEnv) {
  const { code, output } = await runCommand('doctor', {
    args: '--json',
    cwd,
    settings: { DATA_DIR: cwd, INFOBIP_API_KEY: KEY, ...settings },
  });
  expect(output).not.toContain(KEY);
  const findings = JSON.parse(output) as Finding[];
  return { code, findings, faults: findings.filter(({ level }) => level !== 'ok') };
}

describe('The doctor, at an account', () => {
  let sandbox: Sandbox;

  beforeAll(async () => {
    sandbox = await startSandbox({ port: 0 });
  });

  afterAll(() => sandbox.close());

  /** Makes an application and a template with these faults; answers with the settings naming them. */
  async function account({ application = {}, configuration = {}, template = {} } = {}) {
    const applications = `${sandbox.url}/2fa/2/applications`;
    const { applicationId } = await callInfobip(applications, 'POST', {
      name: 'doctor',
      ...application,
      configuration: { ...CONFIGURATION, ...configuration },
    });
    const { messageId } = await callInfobip(`${applications}/${applicationId}/messages`, 'POST', {
      ...TEMPLATE,
      ...template,
    });
    return {
      INFOBIP_BASE_URL: sandbox.url,
      INFOBIP_APP_ID: applicationId,
      INFOBIP_MESSAGE_ID: messageId,
    };
  }

  it('finds nothing wrong with what is right, and ends with 0', async () => {
    const { code, findings, faults } = await examine(await account());

    expect(faults).toEqual([]);
    expect(code).toBe(0);
    expect(findings.map(({ check }) => check)).toEqual([
      'settings',
      'access',
      'application',
      'attempts',
      'lifetime',
      'one-time use',
      'messages per number',
      'messages in total',
      'verify calls',
      'template',
      'code',
      'message',
    ]);
  });

  it('warns about a variable that looks like a setting', async () => {
    const { code, faults } = await examine({ ...(await account()), OTP_TLL: '2m' });

    expect(faults).toMatchObject([
      {
        check: 'settings',
        level: 'warning',
        message: 'OTP_TLL is not a setting: did you mean OTP_TTL?',
      },
    ]);
    expect(code).toBe(0);
  });

  it('leaves nothing behind, not even a secret', async () => {
    await examine(await account());

    expect(readdirSync(cwd)).toEqual([]);
  });

  it('looks at Sinch too where that is asked for codes', async () => {
    const { code, findings } = await examine({
      ...(await account()),
      PROVIDERS: 'sinch,infobip',
    });

    expect(code).toBe(0);
    expect(findings[0]?.message).toBe(
      `The settings can be used; Sinch Verification is at ${sandbox.url}, ` +
        `Infobip 2FA is at ${sandbox.url}.`,
    );
    expect(findings[1]).toMatchObject({
      check: 'access',
      message: expect.stringMatching(/^Sinch answers/),
    });
    expect(findings[2]).toMatchObject({
      check: 'access',
      message: expect.stringMatching(/^Infobip answers/),
    });
  });

  it('sees that Sinch does not take the signature', async () => {
    const { code, faults } = await examine({
      PROVIDERS: 'sinch',
      SINCH_BASE_URL: sandbox.url,
      SINCH_APPLICATION_KEY: KEY,
      SINCH_APPLICATION_SECRET: 'c2VjcmV0',
    });

    expect(code).toBe(1);
    expect(faults).toMatchObject([{ check: 'credentials', level: 'error' }]);
  });

  it.each([
    [
      'a disabled application',
      { application: { enabled: false } },
      'error',
      'application',
      /disabled/,
    ],
    [
      'attempts tighter than ours',
      { configuration: { pinAttempts: 4 } },
      'error',
      'attempts',
      /4.*5.*locked out early/,
    ],
    [
      'attempts much looser',
      { configuration: { pinAttempts: 16 } },
      'warning',
      'attempts',
      /looser/,
    ],
    [
      'a lifetime tighter than ours',
      { configuration: { pinTimeToLive: '299s' } },
      'error',
      'lifetime',
      /299s.*5m.*expire early/,
    ],
    [
      'a lifetime much looser',
      { configuration: { pinTimeToLive: 'h' } },
      'warning',
      'lifetime',
      /looser/,
    ],
    [
      're-verification',
      { configuration: { allowMultiplePinVerifications: true } },
      'error',
      'one-time use',
      /again/,
    ],
    [
      'Infobip’s 3 texts a day',
      { configuration: { sendPinPerPhoneNumberLimit: '3/1d' } },
      'error',
      'messages per number',
      /3\/1d.*10 times in 1d/,
    ],
    [
      'one text less than ours',
      { configuration: { sendPinPerPhoneNumberLimit: '9/d' } },
      'error',
      'messages per number',
      /9\/d/,
    ],
    [
      'a tight limit an hour',
      { configuration: { sendPinPerPhoneNumberLimit: '9/1h' } },
      'error',
      'messages per number',
      /10 times in 1h/,
    ],
    [
      'a tight application limit',
      { configuration: { sendPinPerApplicationLimit: '10000/1d' } },
      'warning',
      'messages in total',
      /all clients together send 100000 times in 1d/,
    ],
    [
      'Infobip’s 1 verify in 3 seconds',
      { configuration: { verifyPinLimit: '1/3s' } },
      'warning',
      'verify calls',
      /1\/3s.*5 times in 3s/,
    ],
    [
      'a code that is too short',
      { template: { pinLength: 5 } },
      'error',
      'code',
      /5.*easy to guess/,
    ],
    ['a code of letters', { template: { pinType: 'ALPHA' } }, 'warning', 'code', /ALPHA/],
    [
      'a placeholder that nothing fills in',
      { template: { messageText: '{{name}} {{pin}}' } },
      'error',
      'message',
      /\{\{name\}\}/,
    ],
  ])('finds %s', async (_what, faults, level, check, message) => {
    const found = await examine(await account(faults));

    expect(found.faults).toEqual([
      { level, check, message: expect.stringMatching(message), remedy: expect.any(String) },
    ]);
    expect(found.code).toBe(level === 'error' ? 1 : 0);
  });

  it('finds an application that is not there', async () => {
    const { code, faults } = await examine({ ...(await account()), INFOBIP_APP_ID: 'none' });

    expect(faults).toMatchObject([{ level: 'error', check: 'application' }]);
    expect(code).toBe(1);
  });

  it('finds a template that is another application’s', async () => {
    const { INFOBIP_MESSAGE_ID } = await account();

    const { code, faults } = await examine({ ...(await account()), INFOBIP_MESSAGE_ID });

    expect(faults).toMatchObject(
      [{ check: 'template', message: /belongs to another/ }].map(matching),
    );
    expect(code).toBe(1);
  });

  it('tells people line by line, with a remedy below each fault', async () => {
    const settings = await account({ configuration: { sendPinPerPhoneNumberLimit: '3/1d' } });

    const { code, output } = await runCommand('doctor', {
      cwd,
      settings: { DATA_DIR: cwd, ...settings },
    });

    expect(code).toBe(1);
    expect(output).toMatch(/^ok +application +The application is there/m);
    expect(output).toMatch(
      /^ERROR +messages per number .*\n +→ Fix it with: npm run infobip:setup\.$/m,
    );
    expect(output).toMatch(/^1 error, 0 warnings\.$/m);
  });

  it('has its every fault mended by the set-up', async () => {
    const settings = await account({
      application: { enabled: false },
      configuration: {
        pinAttempts: 1,
        allowMultiplePinVerifications: true,
        pinTimeToLive: '1s',
        verifyPinLimit: '1/3s',
        sendPinPerPhoneNumberLimit: '3/1d',
        sendPinPerApplicationLimit: '1/1d',
      },
      template: { pinLength: 4, pinType: 'HEX', messageText: '{{pin}} {{name}}' },
    });
    expect((await examine(settings)).faults).toHaveLength(9);

    await runCommand('infobip:setup', { args: '--yes', cwd, settings });

    expect((await examine(settings)).faults).toEqual([]);
  });

  it.each([
    ['the throttle', {}, 2 * 86_400],
    ['the budget', { CLIENT_SENDS_PER_DAY: '50000' }, 2 * 50_000],
  ])('counts each client with %s, and so does the set-up', async (_what, limits, demand) => {
    const entries = ['shop', 'shop', 'bank'].map((client) => newApiKey(client).entry);
    const application = await account({
      configuration: { sendPinPerApplicationLimit: `${String(demand - 1)}/1d` },
    });
    const settings = { ...application, ...limits, API_KEYS: entries.join(',') };
    expect((await examine(settings)).faults).toMatchObject([
      {
        check: 'messages in total',
        message: expect.stringContaining(`all clients together send ${String(demand)} times in 1d`),
      },
    ]);

    await runCommand('infobip:setup', { args: '--yes', cwd, settings });

    expect((await examine(settings)).faults).toEqual([]);
  });

  it('has the service log the same when it starts, and nothing that is right', async () => {
    const service = await startService(
      await account({
        configuration: { sendPinPerPhoneNumberLimit: '3/1d', verifyPinLimit: '1/3s' },
      }),
    );
    const logged = () =>
      service.log.lines
        .map((line) => JSON.parse(line))
        .filter(({ context }) => context === 'StartupAccountCheck');
    for (let waits = 0; waits < 500 && logged().length < 2; waits += 1) await delay(10);
    await service.close();

    expect(logged()).toMatchObject([
      {
        level: 'error',
        msg: expect.stringMatching(/^messages per number: .*3\/1d.*infobip:setup/),
      },
      { level: 'warn', msg: expect.stringMatching(/^verify calls: .*1\/3s/) },
    ]);
  });
});

describe('The doctor, before a host that', () => {
  let upstream: ScriptedUpstream;

  beforeEach(async () => {
    upstream = await startScriptedUpstream();
  });

  afterEach(() => upstream.close());

  const settings = () => ({ INFOBIP_BASE_URL: upstream.url, PROVIDER_TIMEOUT: `${scaled(300)}ms` });
  const refusal = (messageId: string) => ({
    requestError: { serviceException: { messageId, text: KEY } },
  });

  it.each<[string, Script, string, RegExp]>([
    [
      'does not know the key',
      reply(401, refusal('UNAUTHORIZED')),
      'credentials',
      /API key \(401\)/,
    ],
    ['is not Infobip', reply(404, '<html>'), 'host', /not Infobip’s 2FA API \(status 404\)/],
    ['answers with a page', reply(200, '<html>'), 'host', /not Infobip’s/],
    ['redirects', reply(302, '', { location: 'http://127.0.0.1:9/' }), 'host', /status 302/],
    ['is broken', reply(503, refusal('SERVICE_UNAVAILABLE')), 'host', /503/],
    ['hangs', hang, 'host', /in time/],
    ['hangs up', dropConnection, 'host', /cannot be reached: connection_lost/],
  ])('%s, says so and ends with 1', async (_what, script, check, message) => {
    upstream.answerReads(script);

    const { code, faults } = await examine(settings());

    expect(faults).toMatchObject([{ level: 'error', check, message, remedy: /./ }].map(matching));
    expect(code).toBe(1);
  });

  it('never shakes hands, says so and ends without waiting on', async () => {
    const host = createServer();
    const heldForMs = new Promise<number>((resolve) => {
      host.on('connection', (socket) => {
        const since = performance.now();
        socket
          .on('error', () => undefined)
          .on('close', () => {
            resolve(performance.now() - since);
          });
        socket.resume();
      });
    });
    await once(host.listen(0, '127.0.0.1'), 'listening');

    const { code, faults } = await examine({
      ...settings(),
      INFOBIP_BASE_URL: `https://127.0.0.1:${(host.address() as AddressInfo).port}`,
      INFOBIP_APP_ID: 'APP',
      INFOBIP_MESSAGE_ID: 'MSG',
    });

    expect(faults).toMatchObject(
      [{ level: 'error', check: 'host', message: /cannot be reached/ }].map(matching),
    );
    expect(code).toBe(1);
    expect(await heldForMs).toBeLessThan(scaled(5_000));
    host.close();
  });

  it('wants fewer requests, warns', async () => {
    upstream.answerReads(reply(429, refusal('TOO_MANY_REQUESTS')));

    const { code, faults } = await examine(settings());

    expect(faults).toMatchObject([{ level: 'warning', check: 'host' }]);
    expect(code).toBe(0);
  });

  it('has a key for sending only, warns that it could not look', async () => {
    upstream.answerReads(reply(403, refusal('FORBIDDEN')));
    upstream.answer(reply(404, refusal('NOT_FOUND')));

    const { code, faults } = await examine(settings());

    expect(faults).toMatchObject(
      [{ level: 'warning', check: 'scope', remedy: /2fa:manage/ }].map(matching),
    );
    expect(code).toBe(0);
  });

  it('has a key without any scope, fails', async () => {
    upstream.answerReads(reply(403, refusal('FORBIDDEN')));
    upstream.answer(reply(403, refusal('FORBIDDEN')));

    const { code, faults } = await examine(settings());

    expect(faults).toMatchObject(
      [{ level: 'error', check: 'scope', remedy: /2fa:pin:send/ }].map(matching),
    );
    expect(code).toBe(1);
  });

  it.each([
    ['no text', {}, /no text/],
    ['a text without the code', { messageText: 'Code' }, /\{\{pin\}\}/],
  ])('keeps a template with %s, says so', async (_what, text, message) => {
    const both = { enabled: true, configuration: CONFIGURATION, pinType: 'NUMERIC', pinLength: 6 };
    upstream.answerReads(reply(200, { ...both, ...text }));

    const { faults } = await examine(settings());

    expect(faults).toMatchObject([{ level: 'error', check: 'message', message }].map(matching));
  });

  it('says little, warns of each thing that it cannot compare', async () => {
    upstream.answerReads(reply(200, { configuration: { verifyPinLimit: 'often' } }));

    const { faults } = await examine(settings());

    expect(faults.filter(({ level }) => level === 'warning').map(({ check }) => check)).toEqual([
      'attempts',
      'lifetime',
      'messages per number',
      'messages in total',
      'verify calls',
      'code',
    ]);
  });

  it('keeps silent, the service starts all the same, and stops asking when it stops', async () => {
    const asked = new Promise<ServerResponse>((resolve) => {
      upstream.answerReads(resolve);
    });
    const service = await startService({ ...settings(), PROVIDER_TIMEOUT: '60s' });
    await service.http.get('/health/live').expect(200);
    const response = await asked;
    const givenUp = once(response, 'close');

    await service.close();
    await givenUp;

    expect(service.log.text).not.toContain('StartupAccountCheck');
  });
});

describe('The doctor, with settings that cannot be used', () => {
  it('names each fault, and the command that makes the missing ids', async () => {
    const { code, faults } = await examine({
      INFOBIP_BASE_URL: 'https://account.invalid',
      OTP_TTL: '1h',
    });

    expect(faults).toMatchObject(
      [
        { check: 'settings', level: 'error', message: /OTP_TTL must be/, remedy: /configuration/ },
        { check: 'settings', message: /INFOBIP_APP_ID is required/, remedy: /infobip:setup/ },
        { check: 'settings', message: /INFOBIP_MESSAGE_ID is required/, remedy: /infobip:setup/ },
      ].map(matching),
    );
    expect(code).toBe(1);
  });

  it('refuses options that it does not have', async () => {
    expect(await runCommand('doctor', { args: '--jsno', cwd, settings: {} })).toMatchObject({
      code: 2,
      output: expect.stringContaining('Usage: npm run doctor'),
    });
  });
});

/** The same, with each pattern as a matcher. */
function matching(expected: Record<string, string | RegExp>): object {
  return Object.fromEntries(
    Object.entries(expected).map(([name, value]) => [
      name,
      value instanceof RegExp ? expect.stringMatching(value) : value,
    ]),
  );
}
