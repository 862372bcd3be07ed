import { minutes, seconds } from '../../src/common/durations.js';
import { measureCoverage } from '../support/crash/coverage.js';
import { runCrashTest, type CrashTestResult } from '../support/crash/run-crash-test.js';
import * as handmade from '../support/crash/history-fixtures.js';
import {
  findBrokenConnections,
  findLostVerifications,
  findInconsistentReplays,
  findDuplicateSuccesses,
  findCooldownViolations,
  findLateSuccesses,
  findAttemptLimitViolations,
  findFailureLimitViolations,
  findSendLimitViolations,
  listExpectedSuccesses,
  findDuplicateMessages,
  findUnexpectedResponses,
} from '../support/crash/history-checks.js';
import type { History } from '../support/crash/history.js';
import { createPostgresDatabase, createSqliteDatabase } from '../support/crash/databases.js';
import { SeededRandom } from '../support/seeded-random.js';
import { seedOfFile } from '../support/seed.js';

const ENGINES = [
  ['SQLite', createSqliteDatabase],
  ['PostgreSQL', createPostgresDatabase],
] as const;

const CRASHES = 50;
const RUNNING_MS = minutes(10);

/** Stands in the titles, and so beside a failure. The same SEED falls the same, but for its timing. */
const SEED = seedOfFile();

/**
 * A load of sends, resends and verifies, `kill -9` at a random point of it, a start on the same
 * records, fifty times. What the service was asked and answered and what it asked its vendor is one
 * history, which is then checked. Where each promise is kept is named beside it; with that line
 * broken the test fails.
 */
describe(`Fifty crashes under load (SEED=${SEED})`, () => {
  const runs = new Map<string, CrashTestResult>();

  // Both engines at once: a start is mostly one core's work.
  beforeAll(async () => {
    const outcomes = await Promise.allSettled(
      ENGINES.map(async ([engine, newPlace]) => {
        runs.set(
          engine,
          await runCrashTest(newPlace, CRASHES, new SeededRandom(`${SEED} ${engine}`)),
        );
      }),
    );
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }, RUNNING_MS);

  describe.each(ENGINES)('of a service on %s', (engine) => {
    let history: History;
    let sendingRows: CrashTestResult['sendingRows'];
    beforeAll(() => {
      const run = runs.get(engine);
      if (!run) throw new Error('it has not run');
      ({ history, sendingRows } = run);
    });

    it('break calls before, between and after all that they do, and meet every limit', () => {
      const coverage = measureCoverage(history);
      expect(history.runs).toHaveLength(CRASHES + 1);
      expect(Object.entries(coverage).filter(([, count]) => count === 0)).toEqual([]);
      expect(coverage.brokenCalls).toBeGreaterThanOrEqual(CRASHES);
    });

    it('let no verification succeed twice (I1)', () => {
      expect(findDuplicateSuccesses(history)).toEqual([]);
    });

    it('let no more codes be judged than a verification has attempts (I2)', () => {
      expect(findAttemptLimitViolations(history)).toEqual([]);
    });

    it('let no more wrong codes be judged than a number may have in an hour (I2)', () => {
      expect(findFailureLimitViolations(history)).toEqual([]);
    });

    it('let no idempotency key cause a second text (I3)', () => {
      expect(findDuplicateMessages(history)).toEqual([]);
    });

    it('let every idempotency key have one answer (I3)', () => {
      expect(findInconsistentReplays(history)).toEqual([]);
    });

    it('let nothing verify after its expiry (I4)', () => {
      expect(findLateSuccesses(history)).toEqual([]);
    });

    it('let no number have more texts than a day allows', () => {
      expect(findSendLimitViolations(history)).toEqual([]);
    });

    it('let no text leave before the cooldown of the one before it has ended', () => {
      expect(findCooldownViolations(history)).toEqual([]);
    });

    it('leave every pending verification that was answered verifiable', () => {
      const promises = listExpectedSuccesses(history);
      expect(promises.length).toBeGreaterThanOrEqual(CRASHES / 4);
      expect(promises.filter(({ key }) => key !== undefined)).not.toEqual([]);
      expect(findLostVerifications(history)).toEqual([]);
    });

    it('leave no send without an end once its deadline has passed', () => {
      expect(sendingRows.before).toBeGreaterThan(0);
      expect(sendingRows.after).toBe(0);
    });

    it('leave no other trace: no call fails by itself', () => {
      expect(findBrokenConnections(history)).toEqual([]);
      expect(findUnexpectedResponses(history)).toEqual([]);
    });
  });
});

describe('The checks of a history', () => {
  const { EXPIRES_AT, KEY, LAST_RUN_START, historyWith, codeCheck, send, sentMessage, verify } =
    handmade;

  const times = <T>(count: number, make: (index: number) => T): T[] =>
    Array.from({ length: count }, (_, index) => make(index));
  const wrongCodes = (count: number, pin: string) =>
    times(count, (i) => codeCheck(200 + i, { pin, code: '222222', isCorrect: false }));
  /** One that nobody has verified. */
  const pending = (last: object): History => ({
    ...historyWith(),
    calls: [send(0), verify(LAST_RUN_START, last)],
    codeChecks: [],
  });

  const SPOILED: [fault: string, check: (history: History) => string[], spoiled: History][] = [
    [
      'a second success',
      findDuplicateSuccesses,
      historyWith({ calls: [verify(200, { verified: true })], codeChecks: [codeCheck(205)] }),
    ],
    [
      'a second success of one that was named by its number',
      findDuplicateSuccesses,
      historyWith({
        calls: [verify(200, { verified: true }, { pinId: undefined })],
        codeChecks: [codeCheck(205)],
      }),
    ],
    [
      'a code more than a verification has attempts',
      findAttemptLimitViolations,
      historyWith({ codeChecks: wrongCodes(2, 'PIN0') }),
    ],
    [
      'a wrong code more than the number may have in an hour',
      findFailureLimitViolations,
      historyWith({ codeChecks: [...wrongCodes(3, 'PIN1'), ...wrongCodes(3, 'PIN2')] }),
    ],
    [
      'a second text by the key of a send',
      findDuplicateMessages,
      historyWith({ calls: [send(200, {}, { key: KEY })], messages: [sentMessage(205)] }),
    ],
    [
      'a second answer to a key',
      findInconsistentReplays,
      historyWith({
        calls: [send(200, {}, { key: 'k' }), send(300, { pinId: 'other' }, { key: 'k' })],
      }),
    ],
    [
      'a replay that differs',
      findInconsistentReplays,
      historyWith({
        calls: [verify(300, { verified: false, reason: 'expired' }, { key: KEY, replayed: true })],
      }),
    ],
    [
      'a success after the expiry',
      findLateSuccesses,
      historyWith({
        calls: [verify(EXPIRES_AT + 200, { verified: true })],
        codeChecks: [codeCheck(EXPIRES_AT + 205)],
      }),
    ],
    [
      'a success that was asked for in time and judged too late',
      findLateSuccesses,
      historyWith({
        calls: [verify(EXPIRES_AT - 5, { verified: true }, { endedAt: EXPIRES_AT + 210 })],
        codeChecks: [codeCheck(EXPIRES_AT + 200)],
      }),
    ],
    [
      'a success that the vendor knows nothing of',
      findLateSuccesses,
      historyWith({ calls: [verify(200, { verified: true })] }),
    ],
    [
      'a text more than a day allows',
      findSendLimitViolations,
      historyWith({ messages: times(5, (i) => sentMessage(seconds(10 * (i + 1)))) }),
    ],
    [
      'a text in the cooldown of one before a crash',
      findCooldownViolations,
      historyWith({ calls: [send(1_500)], messages: [sentMessage(1_505)] }),
    ],
    [
      'a pending verification that is forgotten',
      findLostVerifications,
      pending({ code: 'verification_not_found' }),
    ],
    [
      'a pending verification that has lost its attempts',
      findLostVerifications,
      pending({ verified: false, reason: 'attempts_exhausted' }),
    ],
    [
      'a connection that broke without a crash',
      findBrokenConnections,
      historyWith({ calls: [verify(30)] }),
    ],
    [
      'an answer of broken records',
      findUnexpectedResponses,
      historyWith({ calls: [verify(200, { code: 'storage_unavailable' }, { status: 503 })] }),
    ],
  ];

  it.each(SPOILED)('see %s', (_fault, check, spoiled) => {
    expect(check(historyWith())).toEqual([]);
    expect(check(spoiled)).toHaveLength(1);
  });
});
