import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { minutes } from '../../src/common/durations.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { newApiKey } from '../support/api-key.js';
import { newHashedKey, TestClientsFile } from '../support/clients-file.js';
import { callInfobip, runCommand } from '../support/cli.js';
import {
  CONFIGURATION,
  createInfobipAccount,
  TEMPLATE,
  type AccountValues,
} from '../support/infobip-account.js';
import {
  hang,
  dropConnection,
  reply,
  startScriptedUpstream,
  type Script,
  type ScriptedUpstream,
} from '../support/scripted-upstream.js';
import { startService } from '../support/service.js';
import { scaleTimeLimit } from '../support/time-scale.js';

const KEY = 'a-key-that-must-not-be-shown';
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

async function runDoctor(settings: NodeJS.ProcessEnv) {
  const { code, output } = await runCommand('doctor', {
    args: '--json',
    cwd,
    settings: { DATA_DIR: cwd, INFOBIP_API_KEY: KEY, ...settings },
  });
  expect(output).not.toContain(KEY);
  const findings = JSON.parse(output) as Finding[];
  return { code, findings, problems: findings.filter(({ level }) => level !== 'ok') };
}

describe('npm run doctor with an account', () => {
  let sandbox: Sandbox;

  beforeAll(async () => {
    sandbox = await startSandbox({ port: 0 });
  });

  afterAll(() => sandbox.close());

  const createAccount = (values?: AccountValues) => createInfobipAccount(sandbox.url, values);

  it('finds no problems with a correct account, and exits with 0', async () => {
    const { code, findings, problems } = await runDoctor(await createAccount());

    expect(problems).toEqual([]);
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

  it('warns about an environment variable whose name resembles a setting', async () => {
    const { code, problems } = await runDoctor({ ...(await createAccount()), OTP_TLL: '2m' });

    expect(problems).toMatchObject([
      {
        check: 'settings',
        level: 'warning',
        message: 'OTP_TLL is not a setting: did you mean OTP_TTL?',
      },
    ]);
    expect(code).toBe(0);
  });

  it('says how many clients CLIENTS_FILE has', async () => {
    const file = new TestClientsFile();
    file.write({ shop: { keys: [newHashedKey().hash] } });
    const { code, findings } = await runDoctor({
      ...(await createAccount()),
      CLIENTS_FILE: file.path,
    });
    file.remove();

    expect(code).toBe(0);
    expect(findings).toContainEqual({
      check: 'clients file',
      level: 'ok',
      message: 'The file CLIENTS_FILE can be used; it has 1 client.',
    });
  });

  it('checks the message templates of clients, too', async () => {
    const file = new TestClientsFile();
    file.write({ shop: { keys: [newHashedKey().hash], infobipMessageId: 'lost-template' } });
    const settings = { ...(await createAccount()), CLIENTS_FILE: file.path };
    const { code, problems } = await runDoctor(settings);
    file.remove();

    expect(code).toBe(1);
    expect(problems).toEqual([
      {
        check: 'template of shop',
        level: 'error',
        message: expect.stringContaining('no message template "lost-template" (CLIENTS_FILE)'),
        remedy: 'Correct the template at Infobip, or the client in CLIENTS_FILE.',
      },
    ]);
  });

  it('names each error of CLIENTS_FILE, and exits with 1', async () => {
    const file = new TestClientsFile();
    file.write({ shop: { keys: [], otpTtl: '1h' }, bank: {} });
    const settings = { ...(await createAccount()), CLIENTS_FILE: file.path };
    const { code, problems } = await runDoctor(settings);
    file.remove();

    expect(code).toBe(1);
    expect(problems.map(({ check, level, message }) => [check, level, message])).toEqual([
      ['clients file', 'error', 'clients.shop.otpTtl must be 1s to 10m.'],
      ['clients file', 'error', expect.stringMatching(/^clients\.bank\.keys must be a list/)],
    ]);
  });

  it('writes no files, not even a generated secret', async () => {
    await runDoctor(await createAccount());

    expect(readdirSync(cwd)).toEqual([]);
  });

  it('checks Sinch too if it is in PROVIDERS', async () => {
    const { code, findings } = await runDoctor({
      ...(await createAccount()),
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

  it('reports that Sinch rejects the signature', async () => {
    const { code, problems } = await runDoctor({
      PROVIDERS: 'sinch',
      SINCH_BASE_URL: sandbox.url,
      SINCH_APPLICATION_KEY: KEY,
      SINCH_APPLICATION_SECRET: 'c2VjcmV0',
    });

    expect(code).toBe(1);
    expect(problems).toMatchObject([{ check: 'credentials', level: 'error' }]);
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
      'fewer attempts than OTP_MAX_ATTEMPTS',
      { configuration: { pinAttempts: 4 } },
      'error',
      'attempts',
      /4.*5.*locked out early/,
    ],
    [
      'many more attempts than OTP_MAX_ATTEMPTS',
      { configuration: { pinAttempts: 16 } },
      'warning',
      'attempts',
      /looser/,
    ],
    [
      'a lifetime shorter than OTP_TTL',
      { configuration: { pinTimeToLive: '299s' } },
      'error',
      'lifetime',
      /299s.*5m.*expire early/,
    ],
    [
      'a lifetime much longer than OTP_TTL',
      { configuration: { pinTimeToLive: 'h' } },
      'warning',
      'lifetime',
      /looser/,
    ],
    [
      'codes that can be verified more than once',
      { configuration: { allowMultiplePinVerifications: true } },
      'error',
      'one-time use',
      /again/,
    ],
    [
      'Infobip’s default of 3 messages a day',
      { configuration: { sendPinPerPhoneNumberLimit: '3/1d' } },
      'error',
      'messages per number',
      /3\/1d.*10 times in 1d/,
    ],
    [
      'one message less than SENDS_PER_NUMBER_PER_DAY',
      { configuration: { sendPinPerPhoneNumberLimit: '9/d' } },
      'error',
      'messages per number',
      /9\/d/,
    ],
    [
      'a low limit per hour',
      { configuration: { sendPinPerPhoneNumberLimit: '9/1h' } },
      'error',
      'messages per number',
      /10 times in 1h/,
    ],
    [
      'a low limit of the application',
      { configuration: { sendPinPerApplicationLimit: '10000/1d' } },
      'warning',
      'messages in total',
      /all clients together send 100000 times in 1d/,
    ],
    [
      'Infobip’s default of 1 verify call in 3 seconds',
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
      'an unknown placeholder',
      { template: { messageText: '{{name}} {{pin}}' } },
      'error',
      'message',
      /\{\{name\}\}/,
    ],
  ])('finds %s', async (_what, accountValues, level, check, message) => {
    const result = await runDoctor(await createAccount(accountValues));

    expect(result.problems).toEqual([
      { level, check, message: expect.stringMatching(message), remedy: expect.any(String) },
    ]);
    expect(result.code).toBe(level === 'error' ? 1 : 0);
  });

  describe('whose templates are in several languages', () => {
    async function createTemplates(templates: Record<string, object>) {
      const account = await createAccount();
      const entries = Object.entries(templates).map(async ([locale, template]) => {
        const { messageId } = await callInfobip(
          `${sandbox.url}/2fa/2/applications/${account.INFOBIP_APP_ID}/messages`,
          'POST',
          { ...TEMPLATE, ...template },
        );
        return `${locale}:${messageId}`;
      });
      return { ...account, INFOBIP_MESSAGE_IDS: (await Promise.all(entries)).join(',') };
    }

    it('checks each of them like the default template', async () => {
      const { code, findings, problems } = await runDoctor(
        // Infobip has no Turkish voice, so the template for Turkish needs no `language`.
        await createTemplates({ de: { language: 'de' }, tr: {} }),
      );

      expect(problems).toEqual([]);
      expect(code).toBe(0);
      const checks = ['template', 'code', 'message'];
      expect(findings.slice(-11).map(({ check }) => check)).toEqual([
        ...checks,
        ...[...checks, 'language'].map((check) => `${check} de`),
        ...[...checks, 'language'].map((check) => `${check} tr`),
      ]);
    });

    it.each([
      ['a code that is too short', { language: 'de', pinLength: 4 }, 'error', 'code de'],
      [
        'an unknown placeholder',
        { language: 'de', messageText: '{{pin}} {{a}}' },
        'error',
        'message de',
      ],
      ['calls in another language', {}, 'warning', 'language de'],
    ])('finds %s', async (_what, template, level, check) => {
      const { code, problems } = await runDoctor(await createTemplates({ de: template }));

      expect(problems).toEqual([
        {
          level,
          check,
          message: expect.any(String),
          remedy: 'Fix it with: npm run infobip:setup -- --locale de.',
        },
      ]);
      expect(code).toBe(level === 'error' ? 1 : 0);
    });

    it('finds a missing template', async () => {
      const { code, problems } = await runDoctor({
        ...(await createAccount()),
        INFOBIP_MESSAGE_IDS: 'pt-BR:none',
      });

      expect(problems).toMatchObject([
        {
          level: 'error',
          check: 'template pt-BR',
          message: expect.stringContaining('(INFOBIP_MESSAGE_IDS)'),
        },
      ]);
      expect(code).toBe(1);
    });
  });

  it('finds a missing application', async () => {
    const { code, problems } = await runDoctor({
      ...(await createAccount()),
      INFOBIP_APP_ID: 'none',
    });

    expect(problems).toMatchObject([{ level: 'error', check: 'application' }]);
    expect(code).toBe(1);
  });

  it('finds a template of another application', async () => {
    const { INFOBIP_MESSAGE_ID } = await createAccount();

    const { code, problems } = await runDoctor({ ...(await createAccount()), INFOBIP_MESSAGE_ID });

    expect(problems).toMatchObject(
      [{ check: 'template', message: /belongs to another/ }].map(matching),
    );
    expect(code).toBe(1);
  });

  it('prints a line for each check, with a fix below each problem', async () => {
    const settings = await createAccount({ configuration: { sendPinPerPhoneNumberLimit: '3/1d' } });

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

  it('finds no more problems after npm run infobip:setup', async () => {
    const settings = await createAccount({
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
    expect((await runDoctor(settings)).problems).toHaveLength(9);

    await runCommand('infobip:setup', { args: '--yes', cwd, settings });

    expect((await runDoctor(settings)).problems).toEqual([]);
  });

  it.each([
    // Two clients, and 60 sends a minute for a day or the budget of a day.
    ['the rate limit', { THROTTLE_SEND_LIMIT: '60' }, 2 * 60 * 24 * 60],
    ['the budget', { CLIENT_SENDS_PER_DAY: '50000' }, 2 * 50_000],
  ])(
    'compares the limits of the application with %s of all clients, and so does infobip:setup',
    async (_what, limits, sendsPerDay) => {
      const entries = ['shop', 'shop', 'bank'].map((client) => newApiKey(client).entry);
      const application = await createAccount({
        configuration: { sendPinPerApplicationLimit: `${String(sendsPerDay - 1)}/1d` },
      });
      const settings = { ...application, ...limits, API_KEYS: entries.join(',') };
      const { problems } = await runDoctor(settings);
      expect(problems.map(({ check }) => check)).toEqual([
        'messages per number',
        'messages in total',
        'verify calls',
      ]);
      const messages = problems.map(({ message }) => message).join('\n');
      // The limit of 10, and the half of it that the second client keeps.
      expect(messages).toContain('messages to one number 15 times in 1d');
      expect(messages).toContain(`all clients together send ${String(sendsPerDay)} times in 1d`);
      // Five attempts for the verification of each client.
      expect(messages).toContain('codes of one number to be checked 10 times in 1s');

      await runCommand('infobip:setup', { args: '--yes', cwd, settings });

      expect((await runDoctor(settings)).problems).toEqual([]);
    },
  );

  it('is not the only check: the service logs the same problems at its start', async () => {
    const service = await startService(
      await createAccount({
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

describe('npm run doctor with a host that does not behave like Infobip', () => {
  let upstream: ScriptedUpstream;

  beforeEach(async () => {
    upstream = await startScriptedUpstream();
  });

  afterEach(() => upstream.close());

  const settings = () => ({
    INFOBIP_BASE_URL: upstream.url,
    INFOBIP_MESSAGE_ID: 'sandbox-message',
    PROVIDER_TIMEOUT: `${scaleTimeLimit(1_000)}ms`,
  });
  const errorBody = (code: string) => ({
    requestError: { serviceException: { messageId: code, text: KEY } },
  });

  it.each<[string, Script, string, RegExp]>([
    [
      'rejects the API key',
      reply(401, errorBody('UNAUTHORIZED')),
      'credentials',
      /API key \(401\)/,
    ],
    ['is not Infobip', reply(404, '<html>'), 'host', /not Infobip’s 2FA API \(status 404\)/],
    ['answers with a page', reply(200, '<html>'), 'host', /not Infobip’s/],
    ['redirects', reply(302, '', { location: 'http://127.0.0.1:9/' }), 'host', /status 302/],
    ['is unavailable', reply(503, errorBody('SERVICE_UNAVAILABLE')), 'host', /503/],
    ['does not answer', hang, 'host', /in time/],
    ['closes the connection', dropConnection, 'host', /cannot be reached: connection_lost/],
  ])('reports a host that %s, and exits with 1', async (_what, script, check, message) => {
    upstream.answerReads(script);

    const { code, problems } = await runDoctor(settings());

    expect(problems).toMatchObject([{ level: 'error', check, message, remedy: /./ }].map(matching));
    expect(code).toBe(1);
  });

  it('reports a host that never completes the TLS handshake, and closes the connection', async () => {
    const host = createServer();
    const connectedForMs = new Promise<number>((resolve) => {
      host.on('connection', (socket) => {
        const connectedAt = performance.now();
        socket
          .on('error', () => undefined)
          .on('close', () => {
            resolve(performance.now() - connectedAt);
          });
        socket.resume();
      });
    });
    await once(host.listen(0, '127.0.0.1'), 'listening');

    const { code, problems } = await runDoctor({
      ...settings(),
      INFOBIP_BASE_URL: `https://127.0.0.1:${(host.address() as AddressInfo).port}`,
      INFOBIP_APP_ID: 'APP',
      INFOBIP_MESSAGE_ID: 'MSG',
    });

    expect(problems).toMatchObject(
      [{ level: 'error', check: 'host', message: /cannot be reached/ }].map(matching),
    );
    expect(code).toBe(1);
    expect(await connectedForMs).toBeLessThan(scaleTimeLimit(5_000));
    host.close();
  });

  it('warns about a host that limits the request rate, and exits with 0', async () => {
    upstream.answerReads(reply(429, errorBody('TOO_MANY_REQUESTS')));

    const { code, problems } = await runDoctor(settings());

    expect(problems).toMatchObject([{ level: 'warning', check: 'host' }]);
    expect(code).toBe(0);
  });

  it('warns that it cannot check the account with a key that may only send, and exits with 0', async () => {
    upstream.answerReads(reply(403, errorBody('FORBIDDEN')));
    // The doctor then verifies an unknown PIN: the 404 shows that the key has the scope for it.
    upstream.answer(reply(404, errorBody('NOT_FOUND')));

    const { code, problems } = await runDoctor(settings());

    expect(problems).toMatchObject(
      [{ level: 'warning', check: 'scope', remedy: /2fa:manage/ }].map(matching),
    );
    expect(code).toBe(0);
  });

  it('reports a key without any scope, and exits with 1', async () => {
    upstream.answerReads(reply(403, errorBody('FORBIDDEN')));
    upstream.answer(reply(403, errorBody('FORBIDDEN')));

    const { code, problems } = await runDoctor(settings());

    expect(problems).toMatchObject(
      [{ level: 'error', check: 'scope', remedy: /2fa:pin:send/ }].map(matching),
    );
    expect(code).toBe(1);
  });

  it.each([
    ['without a text', {}, /no text/],
    ['whose text has no {{pin}}', { messageText: 'Code' }, /\{\{pin\}\}/],
  ])('reports a template %s', async (_what, text, message) => {
    const accountBody = {
      enabled: true,
      configuration: CONFIGURATION,
      pinType: 'NUMERIC',
      pinLength: 6,
    };
    upstream.answerReads(reply(200, { ...accountBody, ...text }));

    const { problems } = await runDoctor(settings());

    expect(problems).toMatchObject([{ level: 'error', check: 'message', message }].map(matching));
  });

  it('warns about each value that the host does not return', async () => {
    upstream.answerReads(reply(200, { configuration: { verifyPinLimit: 'often' } }));

    const { problems } = await runDoctor(settings());

    expect(problems.filter(({ level }) => level === 'warning').map(({ check }) => check)).toEqual([
      'attempts',
      'lifetime',
      'messages per number',
      'messages in total',
      'verify calls',
      'code',
    ]);
  });

  it('and the account check of the service: a silent host delays neither its start nor its end', async () => {
    const requested = new Promise<ServerResponse>((resolve) => {
      upstream.answerReads(resolve);
    });
    const service = await startService({ ...settings(), PROVIDER_TIMEOUT: '60s' });
    await service.http.get('/health/live').expect(200);
    const response = await requested;
    const connectionClosed = once(response, 'close');

    await service.close();
    await connectionClosed;

    expect(service.log.text).not.toContain('StartupAccountCheck');
  });
});

describe('npm run doctor with invalid settings', () => {
  it('reports each error, and the command that creates the missing ids', async () => {
    const { code, problems } = await runDoctor({
      INFOBIP_BASE_URL: 'https://account.invalid',
      OTP_TTL: '1h',
    });

    expect(problems).toMatchObject(
      [
        { check: 'settings', level: 'error', message: /OTP_TTL must be/, remedy: /configuration/ },
        { check: 'settings', message: /INFOBIP_APP_ID is required/, remedy: /infobip:setup/ },
        { check: 'settings', message: /INFOBIP_MESSAGE_ID is required/, remedy: /infobip:setup/ },
        { check: 'settings', message: /API_KEYS is required, because/, remedy: /configuration/ },
      ].map(matching),
    );
    expect(code).toBe(1);
  });

  it('reports an empty file of the secret, with which the service does not start', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'otp-doctor-'));
    writeFileSync(join(folder, 'otp-secret'), '');
    const { code, problems } = await runDoctor({ DATA_DIR: folder });

    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringContaining('DATA_DIR has a file otp-secret that is empty'),
    ]);
    expect(code).toBe(1);
    rmSync(folder, { recursive: true });
  });

  it('rejects unknown options', async () => {
    expect(await runCommand('doctor', { args: '--jsno', cwd, settings: {} })).toMatchObject({
      code: 2,
      output: expect.stringContaining('Usage: npm run doctor'),
    });
  });
});

/** Replaces each regular expression by `expect.stringMatching`. */
function matching(expected: Record<string, string | RegExp>): object {
  return Object.fromEntries(
    Object.entries(expected).map(([name, value]) => [
      name,
      value instanceof RegExp ? expect.stringMatching(value) : value,
    ]),
  );
}
