import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { minutes } from '../../src/common/durations.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { newHashedKey, TestClientsFile } from '../support/clients-file.js';
import { callInfobip, runBuiltCommand, runCommand, startSeparateSandbox } from '../support/cli.js';
import { freePort } from '../support/services/ports.js';
import { startReplica } from '../support/replica.js';
import { reply, startScriptedUpstream } from '../support/scripted-upstream.js';
import { runAtTerminal } from '../support/terminal.js';

const KEY = 'a-key-that-must-not-be-shown';

jest.setTimeout(minutes(5));

describe('npm run infobip:setup', () => {
  let cwd: string;
  let sandbox: Sandbox;

  beforeEach(async () => {
    cwd = mkdtempSync(join(tmpdir(), 'otp-setup-'));
    sandbox = await startSandbox({ port: 0 });
  });

  afterEach(async () => {
    await sandbox.close();
    rmSync(cwd, { recursive: true });
  });

  const setup = (args = '', extraSettings: NodeJS.ProcessEnv = {}) =>
    runCommand('infobip:setup', {
      args,
      cwd,
      settings: { INFOBIP_BASE_URL: sandbox.url, INFOBIP_API_KEY: KEY, ...extraSettings },
    });
  const listApplications = () => callInfobip(`${sandbox.url}/2fa/2/applications`, 'GET');
  const readEnvFile = () => readFileSync(join(cwd, '.env'), 'utf8');
  /** The ids of the application and the template in the output or in .env. */
  const parseIds = (text: string) => ({
    application: /^INFOBIP_APP_ID=(.*)$/m.exec(text)?.[1] ?? '',
    message: /^INFOBIP_MESSAGE_ID=(.*)$/m.exec(text)?.[1] ?? '',
  });
  const read = (application: string, message?: string) =>
    callInfobip(
      `${sandbox.url}/2fa/2/applications/${application}${message === undefined ? '' : `/messages/${message}`}`,
      'GET',
    );

  it('creates an application with the limits of the service and a template, and prints their ids', async () => {
    const { code, output } = await setup('--yes --sender Acme --language de');

    expect(code).toBe(0);
    const { application, message } = parseIds(output);
    expect(await read(application)).toMatchObject({
      name: 'OTP service',
      enabled: true,
      configuration: {
        pinAttempts: 5,
        allowMultiplePinVerifications: false,
        pinTimeToLive: '5m',
        verifyPinLimit: '5/1s',
        // Twice CLIENT_SENDS_PER_DAY and SENDS_PER_NUMBER_PER_DAY, because Infobip may count failed sends.
        sendPinPerApplicationLimit: '200000/1d',
        sendPinPerPhoneNumberLimit: '20/1d',
      },
    });
    expect(await read(application, message)).toMatchObject({
      messageText: '{{pin}} is your verification code. Do not share it.',
      pinType: 'NUMERIC',
      pinLength: 6,
      senderId: 'Acme',
      language: 'de',
    });
    expect(output).toContain(`INFOBIP_BASE_URL=${sandbox.url}`);
  });

  it('sets the limits of the application by the settings of the service', async () => {
    const { output } = await setup('--yes', {
      OTP_MAX_ATTEMPTS: '3',
      OTP_TTL: '90s',
      SENDS_PER_NUMBER_PER_DAY: '4',
    });

    expect((await read(parseIds(output).application))['configuration']).toMatchObject({
      pinAttempts: 3,
      pinTimeToLive: '90s',
      sendPinPerPhoneNumberLimit: '8/1d',
    });
  });

  it('changes nothing when it runs again, whether the settings have the ids or not', async () => {
    const first = await setup('--yes --write --webotp-host example.com');

    for (const result of [
      await setup(),
      await runCommand('infobip:setup', {
        cwd: mkdtempSync(join(cwd, 'without-ids-')),
        settings: { INFOBIP_BASE_URL: sandbox.url, INFOBIP_API_KEY: KEY },
      }),
      await setup('--webotp-host example.com'),
    ]) {
      expect(result).toMatchObject({ code: 0 });
      expect(result.output).toContain('Nothing to change.');
      expect(parseIds(result.output)).toEqual(parseIds(first.output));
    }
  });

  it('reads the lists of an account with 300 applications and 300 templates', async () => {
    const text = '--text "{{pin}} is your code for Acme."';
    const { application } = parseIds((await setup(`--yes ${text}`)).output);
    const applications = `${sandbox.url}/2fa/2/applications`;
    const templates = `${applications}/${application}/messages`;
    for (let i = 0; i < 300; i += 1) {
      await callInfobip(applications, 'POST', { name: `Other ${String(i)}` });
      await callInfobip(templates, 'POST', { messageText: '{{pin}}', pinType: 'NUMERIC' });
    }

    expect((await setup(text)).output).toContain('Nothing to change.');
  });

  it('shows the current and the desired value of each changed field, and changes only those', async () => {
    const { application, message } = parseIds((await setup('--yes --sender Acme')).output);
    const existingIds = { INFOBIP_APP_ID: application, INFOBIP_MESSAGE_ID: message };

    const { output } = await setup(`--yes --text 'Code: {{pin}}'`, {
      ...existingIds,
      OTP_TTL: '10m',
    });

    expect(output).toMatch(/pinTimeToLive +"5m" +"10m"/);
    expect(output).toMatch(/messageText +".* Do not share it\." +"Code: \{\{pin\}\}"/);
    expect(output).not.toMatch(/pinAttempts|senderId/);
    expect(await read(application, message)).toMatchObject({
      messageText: 'Code: {{pin}}',
      senderId: 'Acme',
    });
  });

  it('updates the application in INFOBIP_APP_ID, even if it has another name', async () => {
    const byHand = await callInfobip(`${sandbox.url}/2fa/2/applications`, 'POST', {
      name: 'By hand',
      enabled: false,
    });

    const { output } = await setup('--yes', { INFOBIP_APP_ID: byHand.applicationId });

    expect(parseIds(output).application).toBe(byHand.applicationId);
    expect(await read(byHand.applicationId)).toMatchObject({ name: 'By hand', enabled: true });
  });

  it('finds an application by the name in --name', async () => {
    const first = parseIds((await setup('--yes --write --name one')).output);
    const second = parseIds((await setup('--yes --name two')).output);

    expect(second.application).not.toBe(first.application);
    expect(parseIds((await setup('--yes --name one')).output)).toEqual(first);
  });

  it.each([
    ['--dry-run', '--dry-run --write --yes', 0, 'Dry run: nothing was changed.'],
    ['no terminal to confirm at', '--write', 1, 'Run again with --yes'],
  ])('changes nothing with %s', async (_what, args, code, message) => {
    const before = await listApplications();

    const result = await setup(args);

    expect(result.code).toBe(code);
    expect(result.output).toContain(message);
    expect(result.output).toMatch(/pinAttempts +– +5/);
    expect(await listApplications()).toEqual(before);
    expect(() => readEnvFile()).toThrow('ENOENT');
  });

  it.each([
    ['makes the changes after "y"', 'y', 0, 'INFOBIP_APP_ID='],
    ['changes nothing after an empty line', '', 1, 'No changes made.'],
    ['changes nothing after the end of the input', undefined, 1, 'No changes made.'],
  ])('asks at a terminal, and %s', async (_what, answer, expectedCode, message) => {
    const { code, output } = await runAtTerminal('infobip:setup', {
      cwd,
      settings: { INFOBIP_BASE_URL: sandbox.url, INFOBIP_API_KEY: KEY },
      question: /Change this\? \[y\/N\] /,
      getAnswer: () => answer,
    });

    expect(output).toContain(message);
    expect(code).toBe(expectedCode);
    // The sandbox has an application of its own.
    expect(await listApplications()).toHaveLength(expectedCode === 0 ? 2 : 1);
  });

  it('writes the settings to a .env that only its owner can read', async () => {
    const { output } = await setup('--yes --write');

    const { application, message } = parseIds(output);
    expect(readEnvFile()).toBe(
      `INFOBIP_BASE_URL=${sandbox.url}\nINFOBIP_APP_ID=${application}\nINFOBIP_MESSAGE_ID=${message}\n`,
    );
    expect(statSync(join(cwd, '.env')).mode & 0o777).toBe(0o600);
  });

  it('changes only its own settings in an existing .env, each in one line', async () => {
    const before = [
      '# mine',
      `INFOBIP_API_KEY='${KEY}'`,
      'export INFOBIP_APP_ID=old',
      '# INFOBIP_MESSAGE_ID=commented',
      'INFOBIP_APP_ID=older',
      '',
      'NOT_INFOBIP_APP_ID=stays',
    ];
    writeFileSync(join(cwd, '.env'), before.join('\n'), { mode: 0o640 });

    const { output } = await setup('--yes --write');

    const { application, message } = parseIds(output);
    expect(readEnvFile().split('\n')).toEqual([
      ...before.slice(0, 2),
      `export INFOBIP_APP_ID=${application}`,
      before[3],
      '',
      'NOT_INFOBIP_APP_ID=stays',
      `INFOBIP_BASE_URL=${sandbox.url}`,
      `INFOBIP_MESSAGE_ID=${message}`,
      '',
    ]);
    expect(statSync(join(cwd, '.env')).mode & 0o777).toBe(0o640);
    expect((await setup('--yes --write')).output).toContain('Nothing to change.');
    expect(readEnvFile().match(/_APP_ID=/g)).toHaveLength(2);
  });

  describe('with --locale', () => {
    let ids: NodeJS.ProcessEnv;

    /** The value of INFOBIP_MESSAGE_IDS in the output. */
    const parseMessageIds = (text: string) => /^INFOBIP_MESSAGE_IDS=(.*)$/m.exec(text)?.[1] ?? '';
    const readTemplate = (idsByLocale: string, locale: string) => {
      const id = new Map(
        idsByLocale.split(',').map((entry) => entry.split(':') as [string, string]),
      );
      return read(ids['INFOBIP_APP_ID'] ?? '', id.get(locale));
    };
    const listTemplates = async () => {
      const list = await callInfobip(
        `${sandbox.url}/2fa/2/applications/${ids['INFOBIP_APP_ID'] ?? ''}/messages`,
        'GET',
      );
      return list as unknown as { messageText: string }[];
    };

    beforeEach(async () => {
      const { application, message } = parseIds((await setup('--yes --sender Acme')).output);
      ids = { INFOBIP_APP_ID: application, INFOBIP_MESSAGE_ID: message };
    });

    it('creates a template in that language with the sender of the default one, and prints the setting', async () => {
      const { code, output } = await setup(`--yes --locale de-de --text 'Ihr Code: {{pin}}'`, ids);

      expect(code).toBe(0);
      expect(output).toMatch(/^Message template de-DE, new$/m);
      expect(parseMessageIds(output)).toMatch(/^de-DE:\w+$/);
      expect(output).not.toContain('INFOBIP_MESSAGE_ID=');
      expect(await readTemplate(parseMessageIds(output), 'de-DE')).toMatchObject({
        messageText: 'Ihr Code: {{pin}}',
        pinType: 'NUMERIC',
        pinLength: 6,
        senderId: 'Acme',
        language: 'de',
      });
      expect((await listTemplates()).map(({ messageText }) => messageText)).toEqual([
        '{{pin}} is your verification code. Do not share it.',
        'Ihr Code: {{pin}}',
      ]);
    });

    it.each([
      ['pt-BR', 'pt_br'],
      ['pt-PT', 'pt_pt'],
      ['zh-Hant-HK', 'zh_tw'],
      ['nb', 'no'],
      ['tr', 'en'],
    ])('gives the template of %s the language %s for calls', async (locale, language) => {
      const { output } = await setup(`--yes --locale ${locale} --text '{{pin}}'`, ids);

      expect(await readTemplate(parseMessageIds(output), locale)).toMatchObject({ language });
    });

    it('adds a language to those of INFOBIP_MESSAGE_IDS, in .env too', async () => {
      const first = await setup(`--yes --locale de --text 'Ihr Code: {{pin}}'`, ids);
      const existingIds = { ...ids, INFOBIP_MESSAGE_IDS: parseMessageIds(first.output) };
      await setup(`--yes --write --locale fr --text 'Votre code: {{pin}}'`, existingIds);

      const { INFOBIP_MESSAGE_IDS = '' } = parseEnv(readEnvFile());
      expect(INFOBIP_MESSAGE_IDS.split(',')).toEqual([
        parseMessageIds(first.output),
        expect.stringMatching(/^fr:/),
      ]);
      expect(readEnvFile()).toMatch(/^INFOBIP_MESSAGE_IDS=de:/m);
    });

    it('updates the template of the language, and keeps the text without --text', async () => {
      const { output } = await setup(`--yes --locale de --text 'Ihr Code: {{pin}}'`, ids);
      const existingIds = { ...ids, INFOBIP_MESSAGE_IDS: parseMessageIds(output) };

      const unchanged = await setup('--locale de', existingIds);
      const changed = await setup(`--yes --locale de --text 'Code: {{pin}}'`, existingIds);

      expect(unchanged.output).toContain('Nothing to change.');
      expect(parseMessageIds(changed.output)).toBe(parseMessageIds(output));
      expect(await readTemplate(parseMessageIds(output), 'de')).toMatchObject({
        messageText: 'Code: {{pin}}',
      });
    });

    it('reuses a template of that language or text that the settings do not name, and none that they name for another language', async () => {
      const first = parseMessageIds(
        (await setup(`--yes --locale de --text '{{pin}} A'`, ids)).output,
      );

      const byLanguage = await setup(`--yes --locale de --text '{{pin}} B'`, ids);
      const byText = await setup(`--yes --locale tr --text '{{pin}} B'`, ids);
      const other = await setup(`--yes --locale de-AT --text '{{pin}} B'`, {
        ...ids,
        INFOBIP_MESSAGE_IDS: first,
      });

      expect(parseMessageIds(byLanguage.output)).toBe(first);
      expect(parseMessageIds(byText.output)).toBe(first.replace('de:', 'tr:'));
      expect(parseMessageIds(other.output)).toMatch(new RegExp(`^${first},de-AT:`));
      // The default one, that of de and tr, and that of de-AT.
      expect(await listTemplates()).toHaveLength(3);
    });

    it.each([
      ['--locale de', 'Give the message in this language: --locale de --text'],
      [`--locale de.DE --text '{{pin}}'`, '--locale must be a BCP 47 language tag'],
      [`--locale x-a --text '{{pin}}'`, '--locale must be a BCP 47 language tag'],
      [`--name other --locale de --text '{{pin}}'`, 'First run the command without --locale'],
    ])('rejects %s', async (args, message) => {
      const before = await listTemplates();

      const { code, output } = await setup(`--yes ${args}`, ids);

      expect(code).toBe(1);
      expect(output).toContain(message);
      expect(await listTemplates()).toEqual(before);
    });
  });

  it.each([
    ['{{pin}} ist Ihr Code', 'GSM-7, 19 characters of 160: 1 segment.'],
    ['{{pin}} est ton code, ça va', 'UCS-2, 26 characters of 70: 1 segment.'],
    [
      '{{pin}} est ton code, ça va',
      'Characters outside GSM-7 reduce one SMS from 160 to 70 characters: ç',
    ],
    [`{{pin}} ${'x'.repeat(160)}`, 'in segments of 153: 2 segments, each billed.'],
  ])('prints how many SMS segments %s takes', async (text, message) => {
    expect((await setup(`--dry-run --text '${text}'`)).output).toContain(message);
  });

  it.each([
    [`--text 'no code'`, 1, 'must contain {{pin}}'],
    [`--text '{{pin}} {{name}}'`, 1, '{{name}}'],
    ['--webotp-host https://example.com', 1, 'host name'],
    ['--nmae x', 2, 'Usage:'],
  ])('rejects %s', async (args, code, message) => {
    const before = await listApplications();

    const result = await setup(`--yes ${args}`);

    expect(result.code).toBe(code);
    expect(result.output).toContain(message);
    expect(await listApplications()).toEqual(before);
  });

  it.each([
    [
      'configuration.sendPinPerApplicationLimit',
      /: THROTTLE_SEND_LIMIT, CLIENT_SENDS_PER_DAY, the/,
    ],
    ['configuration.pinTimeToLive', /: OTP_TTL\.$/m],
    ['senderId', /: --sender\.$/m],
    ['entity', /Choose other values\.$/m],
  ])('prints what to change if Infobip rejects %s', async (field, message) => {
    const upstream = await startScriptedUpstream();
    upstream.answerReads(reply(200, []));
    const serviceException = { messageId: 'BAD_REQUEST', validationErrors: { [field]: ['no'] } };
    upstream.answer(reply(400, { requestError: { serviceException } }));

    const { code, output } = await setup('--yes', { INFOBIP_BASE_URL: upstream.url });
    await upstream.close();

    expect(output).toContain(`Infobip rejects these values (400): ${field}. `);
    expect(output).toMatch(message);
    expect(code).toBe(1);
  });

  it.each([
    ['infobip,sinch', ['sinch', 'infobip']],
    ['sinch', ['sinch']],
  ])('accepts the providers of a client if PROVIDERS is %s', async (all, providers) => {
    const file = new TestClientsFile();
    file.write({ shop: { keys: [newHashedKey().hash], providers } });

    const { code, output } = await setup('--dry-run', {
      PROVIDERS: all,
      CLIENTS_FILE: file.path,
    });
    file.remove();

    expect(output).toContain('Dry run: nothing was changed.');
    expect(code).toBe(0);
  });

  it('needs an API key of Infobip, but no ids', async () => {
    const { code, output } = await setup('--dry-run', {
      INFOBIP_BASE_URL: 'https://account.invalid',
      INFOBIP_API_KEY: '',
    });

    expect(code).toBe(1);
    expect(output.trim()).toBe('The settings cannot be used:\n  - INFOBIP_API_KEY is required');
  });

  it('never prints or writes the API key', async () => {
    for (const args of ['--yes --write', '', '--bad', '--dry-run --text x']) {
      expect((await setup(args)).output).not.toContain(KEY);
    }
    expect(readEnvFile()).not.toContain(KEY);
  });

  it('writes settings that pass the doctor and verify a code', async () => {
    const separate = await startSeparateSandbox(await freePort(), cwd);
    const settings = { INFOBIP_BASE_URL: separate.url, DATA_DIR: cwd };
    expect(
      await runBuiltCommand('infobip:setup', { args: '--yes --write', cwd, settings }),
    ).toMatchObject({
      code: 0,
    });
    const withIds = { ...settings, INFOBIP_APP_ID: parseIds(readEnvFile()).application };
    expect(await runBuiltCommand('doctor', { cwd, settings })).toMatchObject({
      code: 0,
      output: expect.stringContaining('No problems found.'),
    });

    const replica = await startReplica({
      ...withIds,
      INFOBIP_MESSAGE_ID: parseIds(readEnvFile()).message,
    });
    const { pinId } = (await replica.http.post('/otp/send').send({ phoneNumber: '+14155552671' }))
      .body;
    const inbox = await fetch(`${separate.url}/sandbox/messages?to=14155552671`);
    const [{ pin, text }] = (await inbox.json()) as [{ pin: string; text: string }];

    expect(text).toBe(`${pin} is your verification code. Do not share it.`);
    await replica.http
      .post('/otp/verify')
      .send({ pinId, otpCode: pin })
      .expect(200, { verified: true });
    await replica.stop();
    await separate.stop();
  });
});
