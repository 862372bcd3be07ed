import { minutes, seconds } from '../../src/common/durations.js';
import { measureCoverage } from '../support/crash/coverage.js';
import { runCrashTest, type CrashTestResult } from '../support/crash/run-crash-test.js';
import * as fixtures from '../support/crash/history-fixtures.js';
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
import type { CodeCheck, History } from '../support/crash/history.js';
import { createPostgresDatabase, createSqliteDatabase } from '../support/crash/databases.js';
import { SeededRandom } from '../support/seeded-random.js';
import { seedOfFile } from '../support/seed.js';

const ENGINES = [
  ['SQLite', createSqliteDatabase],
  ['PostgreSQL', createPostgresDatabase],
] as const;

const CRASHES = 50;
const RUNNING_MS = minutes(10);

/** Part of the titles, to repeat a failure. It repeats the requests, but not their timing. */
const SEED = seedOfFile();

/**
 * Fifty times: a load of sends, resends and verifies, `kill -9` at a random point, and a start on the
 * same database. All requests and provider calls, with their responses, form one history, which is
 * then checked against each invariant.
 */
describe(`Fifty crashes under load (SEED=${SEED})`, () => {
  const runs = new Map<string, CrashTestResult>();

  // Both engines at once, because a start uses mostly one core.
  beforeAll(async () => {
    const outcomes = await Promise.allSettled(
      ENGINES.map(async ([engine, createDatabase]) => {
        runs.set(
          engine,
          await runCrashTest(createDatabase, CRASHES, new SeededRandom(`${SEED} ${engine}`)),
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
      if (!run) throw new Error(`no run on ${engine}`);
      ({ history, sendingRows } = run);
    });

    it('interrupt calls at every step, and reach every limit', () => {
      const coverage = measureCoverage(history);
      expect(history.runs).toHaveLength(CRASHES + 1);
      expect(Object.entries(coverage).filter(([, count]) => count === 0)).toEqual([]);
      expect(coverage.brokenCalls).toBeGreaterThanOrEqual(CRASHES);
    });

    it('cause no verification to succeed twice (I1)', () => {
      expect(findDuplicateSuccesses(history)).toEqual([]);
    });

    it('cause no more checks of a verification than it has attempts (I2)', () => {
      expect(findAttemptLimitViolations(history)).toEqual([]);
    });

    it('cause no more checks of wrong codes than a number may have in an hour (I2)', () => {
      expect(findFailureLimitViolations(history)).toEqual([]);
    });

    it('cause no second message for an idempotency key (I3)', () => {
      expect(findDuplicateMessages(history)).toEqual([]);
    });

    it('cause no second response for an idempotency key (I3)', () => {
      expect(findInconsistentReplays(history)).toEqual([]);
    });

    it('cause no success after the expiry (I4)', () => {
      expect(findLateSuccesses(history)).toEqual([]);
    });

    it('cause no more messages to a number than a day allows', () => {
      expect(findSendLimitViolations(history)).toEqual([]);
    });

    it('cause no message within the cooldown of the previous one', () => {
      expect(findCooldownViolations(history)).toEqual([]);
    });

    it('cause no loss of a pending verification whose pinId was returned', () => {
      const expected = listExpectedSuccesses(history);
      expect(expected.length).toBeGreaterThanOrEqual(CRASHES / 4);
      // Some of them repeat an earlier request by its idempotency key.
      expect(expected.filter(({ key }) => key !== undefined)).not.toEqual([]);
      expect(findLostVerifications(history)).toEqual([]);
    });

    it('leave no verification in the status sending after its deadline', () => {
      expect(sendingRows.afterCrashes).toBeGreaterThan(0);
      expect(sendingRows.afterCleanup).toBe(0);
    });

    it('cause no other errors', () => {
      expect(findBrokenConnections(history)).toEqual([]);
      expect(findUnexpectedResponses(history)).toEqual([]);
    });
  });
});

describe('The checks of the crash history', () => {
  const { EXPIRES_AT, KEY, LAST_RUN_START, historyWith, codeCheck, send, sentMessage, verify } =
    fixtures;

  const repeat = <T>(count: number, make: (index: number) => T): T[] =>
    Array.from({ length: count }, (_, index) => make(index));
  const wrongCodes = (count: number, providerPinId: string) =>
    repeat(count, (i) => codeCheck(200 + i, { providerPinId, code: '222222', isCorrect: false }));
  const sixWrongCodes = [...wrongCodes(3, 'PIN1'), ...wrongCodes(3, 'PIN2')];
  /** A pending verification whose correct code then gets this wrong response. */
  const pendingWith = (lastResponse: object, codeChecks: CodeCheck[] = []): History => ({
    ...historyWith(),
    calls: [send(0), verify(LAST_RUN_START, lastResponse)],
    codeChecks,
  });

  const VIOLATIONS: [title: string, check: (history: History) => string[], broken: History][] = [
    [
      'a second success',
      findDuplicateSuccesses,
      historyWith({ calls: [verify(200, { verified: true })], codeChecks: [codeCheck(205)] }),
    ],
    [
      'a second success of a verification by number',
      findDuplicateSuccesses,
      historyWith({
        calls: [verify(200, { verified: true }, { pinId: undefined })],
        codeChecks: [codeCheck(205)],
      }),
    ],
    [
      'one check more than a verification has attempts',
      findAttemptLimitViolations,
      historyWith({ codeChecks: wrongCodes(2, 'PIN0') }),
    ],
    [
      'one wrong code more than the number may have in an hour after a right one',
      findFailureLimitViolations,
      historyWith({ codeChecks: [...sixWrongCodes, ...wrongCodes(1, 'PIN3')] }),
    ],
    [
      'one wrong code more than the number may have in an hour without a right one',
      findFailureLimitViolations,
      pendingWith({}, [...sixWrongCodes, ...wrongCodes(1, 'PIN3')]),
    ],
    [
      'a second message for the idempotency key of a send',
      findDuplicateMessages,
      historyWith({ calls: [send(200, {}, { key: KEY })], messages: [sentMessage(205)] }),
    ],
    [
      'a second response for an idempotency key',
      findInconsistentReplays,
      historyWith({
        calls: [send(200, {}, { key: 'k' }), send(300, { pinId: 'other' }, { key: 'k' })],
      }),
    ],
    [
      'a replay that differs from the first response',
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
      'a success that was requested in time and checked too late',
      findLateSuccesses,
      historyWith({
        calls: [verify(EXPIRES_AT - 5, { verified: true }, { endedAt: EXPIRES_AT + 210 })],
        codeChecks: [codeCheck(EXPIRES_AT + 200)],
      }),
    ],
    [
      'a success without a check by the provider',
      findLateSuccesses,
      historyWith({ calls: [verify(200, { verified: true })] }),
    ],
    [
      'one message more than a day allows',
      findSendLimitViolations,
      historyWith({ messages: repeat(5, (i) => sentMessage(seconds(10 * (i + 1)))) }),
    ],
    [
      'a message within the cooldown of one before a crash',
      findCooldownViolations,
      historyWith({ calls: [send(1_500)], messages: [sentMessage(1_505)] }),
    ],
    [
      'a pending verification that was lost',
      findLostVerifications,
      pendingWith({ code: 'verification_not_found' }),
    ],
    [
      'a pending verification that has lost its attempts',
      findLostVerifications,
      pendingWith({ verified: false, reason: 'attempts_exhausted' }),
    ],
    [
      'a connection that broke without a crash',
      findBrokenConnections,
      historyWith({ calls: [verify(30)] }),
    ],
    [
      'a storage error without a crash',
      findUnexpectedResponses,
      historyWith({ calls: [verify(200, { code: 'storage_unavailable' }, { status: 503 })] }),
    ],
  ];

  it('allow as many wrong codes again after a right one', () => {
    expect(findFailureLimitViolations(historyWith({ codeChecks: sixWrongCodes }))).toEqual([]);
  });

  it.each(VIOLATIONS)('find %s', (_title, check, broken) => {
    expect(check(historyWith())).toEqual([]);
    expect(check(broken)).toHaveLength(1);
  });
});
