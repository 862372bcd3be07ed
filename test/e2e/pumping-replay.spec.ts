import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seconds } from '../../src/common/durations.js';
import { SeededRandom } from '../support/seeded-random.js';
import { runBuiltCommand, runCommand } from '../support/cli.js';
import { FakeClock } from '../support/fake-clock.js';
import { TrafficSimulation } from '../support/pumping/traffic-simulation.js';
import {
  createBotTraffic,
  type SimulatedVerification,
} from '../support/pumping/simulated-traffic.js';
import { openStore } from '../support/store.js';

const PAGE = readFileSync('docs/fraud-protection.md', 'utf8');
const [, DOCUMENTED_OPTIONS = ''] = /```sh\nnpm run pumping:replay -- (.*)\n```/.exec(PAGE) ?? [];
const OTP_SECRET = 'a master secret that only tests know of';
const ONE_PREFIX = { country: 'CH', firstPrefix: 4_178_000, prefixCount: 1 };
/** More records than the command reads in one batch. */
const BOTS = 1_100;

describe('npm run pumping:replay', () => {
  let cwd: string;

  beforeAll(async () => {
    cwd = mkdtempSync(join(tmpdir(), 'otp-replay-'));
  });

  afterAll(() => {
    rmSync(cwd, { recursive: true });
  });

  const replay = (args = '', DATA_DIR = cwd) =>
    runCommand('pumping:replay', { args, cwd, settings: { DATA_DIR, OTP_SECRET } });

  /**
   * Creates the records of a service with PUMPING_GUARD=off. Four of the bots happen to choose a number in
   * its cooldown and leave no record. With four verifications of people, there are 1,100 records.
   */
  beforeAll(async () => {
    const clock = new FakeClock();
    const start = clock.now();
    const opened = await openStore(clock, { DATA_DIR: cwd, OTP_SECRET });
    const attack = createBotTraffic(new SeededRandom('replay'), ONE_PREFIX, {
      start,
      count: BOTS,
      everyMs: seconds(1),
    });
    const person = (phoneNumber: string, afterMs: number): SimulatedVerification => ({
      source: 'person',
      client: 'shop',
      at: start + afterMs,
      phoneNumber,
      country: 'CH',
      resendsAfterMs: undefined,
      verifiesAfterMs: seconds(10),
    });
    await new TrafficSimulation(opened.store, undefined, clock).run([
      person('+41780009991', 0),
      // Blocked by the replay: the bots have used up the budget of the prefix.
      person('+41780009992', seconds(100)),
      // Not blocked: the number was verified before.
      person('+41780009991', seconds(200)),
      // Not blocked: another prefix.
      person('+41793026727', seconds(300)),
      ...attack,
    ]);
    await opened.close();
  });

  it('lists the blocked messages for each client, country and budget, and says what the records do not show', async () => {
    const { code, output } = await runBuiltCommand('pumping:replay', {
      cwd,
      settings: { DATA_DIR: cwd, OTP_SECRET },
    });

    expect(output.trim().split('\n')).toEqual([
      'Of 1,100 verifications, with floors of 10 unverified messages an hour and 30 a day, and a ratio of 0.8:',
      '',
      'client  country  budget            blocked  of these verified',
      expect.stringMatching(/^shop {4}CH {7}own prefix, hour {4}1,06\d {18}1$/),
      '',
      'The service itself may block fewer: it also trusts the numbers verified before the first record,',
      'and messages verified in the two weeks before that record raise its budgets.',
    ]);
    expect(code).toBe(0);
  });

  it('uses the budgets in its options', async () => {
    const { output } = await replay('--floor-per-hour 2000 --floor-per-day 2000 --ratio 0');

    expect(output.trim()).toBe(
      'Of 1,100 verifications, with floors of 2000 unverified messages an hour and 2000 a day, and a ratio of 0: ' +
        'none would have been blocked.',
    );
  });

  it('accepts the options in docs/fraud-protection.md', async () => {
    const { code, output } = await replay(DOCUMENTED_OPTIONS);

    expect(output).toMatch(
      /^Of 1,100 verifications, with floors of 20 unverified messages an hour and 30 a day, and a ratio of 0\.5:\n/,
    );
    expect(code).toBe(0);
  });

  it('prints its help', async () => {
    const { code, output } = await replay('--help');

    expect(output).toMatch(/^Usage: npm run pumping:replay/);
    expect(code).toBe(0);
  });

  it.each([
    ['--ratio much', /^--ratio must be a number[^]*Usage:/],
    ['--floor-per-hour 1.5', /^--floor-per-hour must be a whole number[^]*Usage:/],
    ['--days 3', /^Unknown option '--days'[^]*Usage:/],
  ])('explains why %s is rejected', async (args, explanation) => {
    const { code, output } = await replay(args);

    expect(output).toMatch(explanation);
    expect(code).toBe(2);
  });

  it('reports missing records, and creates neither a database nor a secret', async () => {
    const DATA_DIR = join(cwd, 'elsewhere');

    const { code, output } = await runCommand('pumping:replay', { cwd, settings: { DATA_DIR } });

    expect(output).toMatch(
      /^There are no records in .*elsewhere: set DATA_DIR or DATABASE_URL\.\n$/,
    );
    expect(code).toBe(1);
    expect(existsSync(DATA_DIR)).toBe(false);
  });
});
