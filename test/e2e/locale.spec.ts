import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seconds } from '../../src/common/durations.js';
import { expectProblem } from '../support/problem.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';
import { startService, type RunningService } from '../support/service.js';
import { startPostgres } from '../support/services/postgres.js';

const NUMBER = '+41793026727';
/** The text of a message for each provider and language. */
const TEXTS = {
  'Infobip in English': /^\d{6} is your code\. Do not share it\.$/,
  'Infobip in German': /^\d{6} ist Ihr Code\. Geben Sie ihn nicht weiter\.$/,
  'Infobip in Spanish': /^\d{6} es su código\. No lo comparta\.$/,
  'Sinch in English': /^Your code is \d{4}$/,
  'Sinch in German': /^Ihr Code ist \d{4}$/,
};

interface TestDatabase {
  readonly settings: NodeJS.ProcessEnv;
  remove(): Promise<void>;
}

async function createSqlite(): Promise<TestDatabase> {
  const dataDir = mkdtempSync(join(tmpdir(), 'otp-locale-'));
  const remove = async () => {
    rmSync(dataDir, { recursive: true });
  };
  return { settings: { DATA_DIR: dataDir }, remove };
}

async function createPostgres(): Promise<TestDatabase> {
  const postgres = await startPostgres();
  const settings = { DATABASE_URL: await postgres.createDatabase() };
  return { settings, remove: () => postgres.stop() };
}

describe('The language of a message', () => {
  let sandbox: TestSandbox;
  let service: RunningService;

  beforeEach(async () => {
    sandbox = await startTestSandbox();
  });

  afterEach(async () => {
    await service.close();
    await sandbox.close();
  });

  async function start(settings: NodeJS.ProcessEnv = {}): Promise<void> {
    const urls = { INFOBIP_BASE_URL: sandbox.url, SINCH_BASE_URL: sandbox.url };
    service = await startService({ ...urls, ...settings }, sandbox.clock);
  }

  const send = (body: object = {}) =>
    service.http.post('/otp/send').send({ phoneNumber: NUMBER, ...body });

  async function resend(pinId: string): Promise<void> {
    service.clock.advance(seconds(30));
    await service.http.post('/otp/resend').send({ pinId }).expect(200);
  }

  async function stopProvider(provider: string): Promise<void> {
    const fault = { kind: 'unavailable', provider, times: 100 };
    await sandbox.callControl('put', 'faults', { ...fault, operation: 'send' }).expect(200);
    // Sinch has no resend: each message is a send.
    if (provider === 'sinch') return;
    await sandbox.callControl('put', 'faults', { ...fault, operation: 'resend' }).expect(200);
  }

  /** The provider and language of each message, as the keys of TEXTS, newest first. */
  const readMessages = async () =>
    (await sandbox.listMessages(NUMBER)).map(
      ({ text }) => Object.entries(TEXTS).find(([, pattern]) => pattern.test(text))?.[0] ?? text,
    );

  describe.each([
    ['SQLite', createSqlite],
    ['PostgreSQL', createPostgres],
  ])('on %s', (_engine, createDatabase) => {
    let database: TestDatabase;

    beforeEach(async () => {
      database = await createDatabase();
    });

    afterEach(() => database.remove());

    it('is that of locale in each resend, also after a failover', async () => {
      await start({ PROVIDERS: 'infobip,sinch', ...database.settings });
      const { pinId } = (await send({ locale: 'de' }).expect(200)).body;
      await resend(pinId);
      await stopProvider('infobip');
      await resend(pinId);
      await resend(pinId);

      expect(await readMessages()).toEqual([
        'Sinch in German',
        'Sinch in German',
        'Infobip in German',
        'Infobip in German',
      ]);
      const [{ pin: otpCode } = { pin: '' }] = await sandbox.listMessages(NUMBER);
      await service.http
        .post('/otp/verify')
        .send({ pinId, otpCode })
        .expect(200, { verified: true });
    });

    it('is that of locale if a resend goes from Sinch to Infobip', async () => {
      await start({ PROVIDERS: 'sinch,infobip', ...database.settings });
      const { pinId } = (await send({ locale: 'de' }).expect(200)).body;
      await stopProvider('sinch');
      await resend(pinId);

      expect(await readMessages()).toEqual(['Infobip in German', 'Sinch in German']);
    });
  });

  it('is that of locale if Infobip is down at the send', async () => {
    await start({ PROVIDERS: 'infobip,sinch' });
    await stopProvider('infobip');

    await send({ locale: 'de' }).expect(200);

    expect(await readMessages()).toEqual(['Sinch in German']);
  });

  it.each([
    ['de-CH', 'German'],
    ['DE-de', 'German'],
    ['de_CH', 'German'],
    ['zz_ZZ', 'English'],
    ['de-Latn-AT-1996-x-bank', 'German'],
    ['es-419', 'Spanish'],
    ['pl', 'English'],
    ['xx-YY', 'English'],
    ['english', 'English'],
    ['i-klingon', 'English'],
    ['x-private', 'English'],
    [undefined, 'English'],
  ])('with locale %s is %s at Infobip', async (locale, language) => {
    await start();

    await send({ locale }).expect(200);

    expect(await readMessages()).toEqual([`Infobip in ${language}`]);
  });

  it.each(['pl', 'x-private', undefined])(
    'with locale %s is that of the application at Sinch',
    async (locale) => {
      await start({ PROVIDERS: 'sinch' });

      await send({ locale }).expect(200);

      expect(await readMessages()).toEqual(['Sinch in English']);
    },
  );

  it('is the most specific one in INFOBIP_MESSAGE_IDS that matches locale', async () => {
    const create = (name: string) =>
      sandbox.createTemplate('sandbox-application', { messageText: `${name} {{pin}}` });
    const ids = `pt:${await create('Portuguese')}, PT-br:${await create('Brazilian')}`;
    await start({ INFOBIP_MESSAGE_ID: await create('Default'), INFOBIP_MESSAGE_IDS: ids });

    for (const locale of ['pt-BR', 'pt-PT', 'de']) {
      await send({ locale }).expect(200);
      service.clock.advance(seconds(30));
    }

    const texts = (await sandbox.listMessages(NUMBER)).map(({ text }) => text.split(' ')[0]);
    expect(texts).toEqual(['Default', 'Portuguese', 'Brazilian']);
  });

  it.each([
    ['de_CH.UTF-8'],
    ['de-'],
    [''],
    ['de, en;q=0.9'],
    ['deutschland'],
    ['de\r\nx-header: 1'],
    ['дe'],
    [`de-${'x-abcdefgh-'.repeat(4)}a`],
    [49],
    [true],
  ])(
    'is rejected with the pointer #/locale if locale is %j, and nothing is sent',
    async (locale) => {
      await start();

      const response = await send({ locale });

      expectProblem(response, 400, 'validation_failed');
      expect(response.body.errors).toEqual([
        { pointer: '#/locale', detail: expect.stringMatching(/^Give one BCP 47 language tag/) },
      ]);
      expect(await readMessages()).toEqual([]);
    },
  );

  it('is part of the request: another locale with the same idempotency key is rejected', async () => {
    await start();
    const sendWithKey = (locale?: string) => send({ locale }).set('idempotency-key', 'a');
    await sendWithKey('de').expect(200);

    const repeat = await sendWithKey('de').expect(200);

    expect(repeat.headers['idempotency-replayed']).toBe('true');
    expectProblem(await sendWithKey('es'), 422, 'idempotency_key_reused');
    expectProblem(await sendWithKey(), 422, 'idempotency_key_reused');
    expect(await readMessages()).toEqual(['Infobip in German']);
  });
});
