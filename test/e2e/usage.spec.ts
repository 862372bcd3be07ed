import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import type { UsageDocument } from '../../src/cli/usage-report.js';
import { minutes } from '../../src/common/durations.js';
import { createClientAgent, newApiKey } from '../support/api-key.js';
import { runBuiltCommand, runCommand } from '../support/cli.js';
import { FakeClock } from '../support/fake-clock.js';
import { startSandboxedService } from '../support/service.js';
import { DATABASES, openStore, type TestStorage } from '../support/store.js';
import { storeUsageRecords } from '../support/usage-records.js';

const PAGE = readFileSync('docs/usage.md', 'utf8');
const [, DOCUMENTED_OPTIONS = ''] = /```sh\nnpm run usage -- (.*)\n```/.exec(PAGE) ?? [];
const [, PRICES = ''] = /```json\n([^]*?)```/.exec(PAGE) ?? [];
const [, REPORT = ''] = /```text\n([^]*?)```/.exec(PAGE) ?? [];
const JSON_REPORT = 'test/fixtures/usage/report.json';
const OTP_SECRET = 'a master secret that only tests know of';

const DAY = '--from 2026-11-01 --to 2026-11-01';
const NUMBER = '+14155552671';
const SWISS_NUMBER = '+41793026727';
const TEST_NUMBER = '+15550001111';

describe('npm run usage', () => {
  let cwd: string;

  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'otp-usage-'));
    writeFileSync(join(cwd, 'prices.json'), PRICES);
  });

  afterEach(() => {
    rmSync(cwd, { recursive: true });
  });

  describe.each(DATABASES)('on %s', (_engine, newStorage) => {
    let storage: TestStorage;
    let clock: FakeClock;

    beforeEach(async () => {
      clock = new FakeClock(Date.parse('2026-11-03T10:00:00Z'));
      storage = await newStorage();
    });

    afterEach(() => storage.removeData());

    const report = async (args: string): Promise<string> => {
      const settings = { ...storage.settings, OTP_SECRET };
      const { code, output } = await runCommand('usage', { args, cwd, settings });
      expect([code, output]).toEqual([0, output]);
      return output;
    };

    it('prints the report in docs/usage.md, and its JSON form', async () => {
      const opened = await storage.open(clock);
      await storeUsageRecords(opened, clock);
      await opened.close();

      expect(await report(DOCUMENTED_OPTIONS)).toBe(REPORT);
      const json = await report(`${DOCUMENTED_OPTIONS} --json`);
      if (process.env['UPDATE_USAGE']) writeFileSync(JSON_REPORT, json);
      expect(json).toBe(readFileSync(JSON_REPORT, 'utf8'));
    });

    // This test fails without `emitBlocked` in VerificationEvents, and without `beforeClose` in
    // blocked-send-counter.ts.
    it('counts the sends that rules and limits refuse, by client, country and channel', async () => {
      const { key, entry } = newApiKey('shop');
      const service = await startSandboxedService(
        {
          ...storage.settings,
          API_KEYS: entry,
          ALLOWED_COUNTRIES: 'US',
          BLOCKED_NUMBER_TYPES: 'voice:FIXED_LINE_OR_MOBILE',
          TEST_NUMBERS: `${TEST_NUMBER}:123456`,
        },
        clock,
      );
      const shop = createClientAgent(service.url, key);
      const post = async (operation: string, body: object, status: number) =>
        (await shop.post(`/otp/${operation}`).send(body).expect(status)).body as { pinId: string };
      const { pinId } = await post('send', { phoneNumber: NUMBER }, 200);
      await post('send', { phoneNumber: NUMBER }, 429);
      await post('resend', { pinId }, 429);
      clock.advance(minutes(1));
      await post('resend', { pinId, channel: 'voice' }, 403);
      await post('send', { phoneNumber: SWISS_NUMBER }, 403);
      await post('send', { phoneNumber: SWISS_NUMBER, channel: 'voice' }, 403);
      // None of these is a blocked send.
      await post('send', { phoneNumber: '+1' }, 400);
      await post('resend', { pinId: 'unknown' }, 404);
      await post('send', { phoneNumber: TEST_NUMBER }, 200);
      const withUnknownKey = createClientAgent(service.url, newApiKey('shop').key);
      await withUnknownKey.post('/otp/send').send({ phoneNumber: SWISS_NUMBER }).expect(401);
      await service.close();

      const by = '--by client,country,provider,channel';
      const json = await report(`--from 2026-11-03 --to 2026-11-03 ${by} --json`);
      const { groups } = JSON.parse(json) as UsageDocument;
      expect(
        groups.map(({ client, country, provider, channel, sends, blocked }) =>
          [client, country, provider, channel, sends, blocked].join(' '),
        ),
      ).toEqual([
        'shop CH none sms 0 1',
        'shop CH none voice 0 1',
        'shop US infobip sms 1 0',
        'shop US none sms 0 2',
        'shop US none voice 0 1',
      ]);
    });
  });

  const run = (args: string, settings: NodeJS.ProcessEnv = {}) =>
    runCommand('usage', { args, cwd, settings: { DATA_DIR: cwd, OTP_SECRET, ...settings } });
  const createRecords = async () => {
    await (await openStore(new FakeClock(), { DATA_DIR: cwd })).close();
  };

  it('says that there is no usage, also as the built command', async () => {
    await createRecords();

    const { code, output } = await runBuiltCommand('usage', {
      args: '--from 2026-11-01 --to 2026-11-02',
      cwd,
      settings: { DATA_DIR: cwd, OTP_SECRET },
    });

    expect(output).toBe('Usage from 2026-11-01 to 2026-11-02 (UTC): none.\n');
    expect(code).toBe(0);
  });

  it.each([
    ['', /^Give --from and --to\.[^]*Usage:/],
    ['--from 2026-11-01', /^Give --from and --to\.[^]*Usage:/],
    ['--from 1.11.2026 --to 2026-11-30', /^--from must be a day, such as 2026-11-30\.[^]*Usage:/],
    ['--from 2026-02-01 --to 2026-02-30', /^--to must be a day, such as 2026-11-30\.[^]*Usage:/],
    ['--from 2026-11-02 --to 2026-11-01', /^--from must not be after --to\.[^]*Usage:/],
    ['--from 0026-11-01 --to 2026-11-01', /at most 3660 days apart\.[^]*Usage:/],
    [`${DAY} --by client,town`, /^--by must name some of day,client,[^]*each once\.[^]*Usage:/],
    [`${DAY} --by client,client`, /^--by must name some of [^]*each once\.[^]*Usage:/],
    [`${DAY} --month 3`, /^Unknown option '--month'[^]*Usage:/],
  ])('explains why %s is rejected', async (args, explanation) => {
    const { code, output } = await run(args);

    expect(output).toMatch(explanation);
    expect(code).toBe(2);
  });

  it.each([
    ['{', 'JSON'],
    ['{ "prices": {} }', 'currency is required'],
    ['{ "currency": "€", "prices": {} }', 'currency must be a code such as EUR'],
    ['{ "currency": "EUR", "prices": { "UK": { "sms": 1 } } }', 'prices.UK is not allowed'],
    ['{ "currency": "EUR", "prices": { "GB": { "fax": 1 } } }', 'prices.GB.fax is not allowed'],
    ['{ "currency": "EUR", "prices": { "GB": { "sms": "1" } } }', 'prices.GB.sms must be a number'],
    [
      '{ "currency": "EUR", "prices": { "GB": { "sms": 1e-7 } } }',
      'prices.GB.sms must have no more than 6 decimal places',
    ],
    [
      '{ "currency": "EUR", "prices": { "GB": { "sms": -1 } } }',
      'prices.GB.sms must be greater than or equal to 0',
    ],
  ])('explains why it cannot use the prices %s', async (text, reason) => {
    writeFileSync(join(cwd, 'prices.json'), text);

    const { code, output } = await run(`${DAY} --prices prices.json`);

    expect(output).toMatch(/^The prices cannot be read: /);
    expect(output).toContain(reason);
    expect(code).toBe(1);
  });

  it('reports a missing file of prices and a missing database, and creates no database', async () => {
    const withoutPrices = await run(`${DAY} --prices none.json`);
    const DATA_DIR = join(cwd, 'elsewhere');
    const withoutRecords = await run(DAY, { DATA_DIR });

    expect(withoutPrices.output).toMatch(/^The prices cannot be read: ENOENT/);
    expect(withoutRecords.output).toMatch(/^There are no records in .*elsewhere: set DATA_DIR or/);
    expect([withoutPrices.code, withoutRecords.code]).toEqual([1, 1]);
    expect(existsSync(DATA_DIR)).toBe(false);
  });

  // This test fails without `assertReadable` in sqlite.ts.
  it.each([
    ['the file of the database', 'otp.db'],
    ['the folder of the database', ''],
  ])('says what to do if its user may not read %s', async (_what, name) => {
    const DATA_DIR = join(cwd, 'data');
    await (await openStore(new FakeClock(), { DATA_DIR })).close();
    for (const folder of [cwd, DATA_DIR]) chmodSync(folder, 0o755);
    const closed = join(DATA_DIR, name);
    const { mode } = statSync(closed);
    chmodSync(closed, 0);

    const { code, output } = await runBuiltCommand(
      'usage',
      { args: DAY, cwd, settings: { DATA_DIR, OTP_SECRET } },
      { isOtherUser: true },
    );

    chmodSync(closed, mode);
    expect(output).toBe(
      `This user may not read ${join(DATA_DIR, 'otp.db')}: run the command as the user of the service or as root.\n`,
    );
    expect(code).toBe(1);
  });

  it('says what to do about a database of an earlier release', async () => {
    await createRecords();
    const database = new Libsql(join(cwd, 'otp.db'));
    database.exec('drop table usage_daily');
    database.close();

    const { code, output } = await run(DAY);

    expect(output).toMatch(
      /^The usage cannot be read: no such table[^]*start the service of this release first\.\n$/,
    );
    expect(code).toBe(1);
  });

  it('prints its help', async () => {
    const { code, output } = await run('--help');

    expect(output).toMatch(/^Usage: npm run usage -- \[options\]\n/);
    expect(code).toBe(0);
  });

  it('has a page that names every field of the JSON form', () => {
    const { groups, total, unpriced, ...rest } = JSON.parse(
      readFileSync(JSON_REPORT, 'utf8'),
    ) as UsageDocument;
    const objects = [rest, { groups, total, unpriced }, total, ...groups, ...(unpriced ?? [])];
    const names = new Set(objects.flatMap((object) => Object.keys(object)));

    expect([...names].filter((name) => !PAGE.includes(`\`${name}\``))).toEqual([]);
  });
});
