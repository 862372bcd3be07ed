import { hours } from '../../../src/common/durations.js';
import {
  isDuring,
  hasOriginalResponse,
  listVerifications,
  wasVerified,
  type Call,
  type History,
  type CodeCheck,
  type SentMessage,
  type Verification,
} from './history.js';

/*
 * Invariants of every history, with or without crashes. Each check returns one line per violation.
 * The history does not record when the service did something internally. The checks therefore use
 * the earliest or latest possible time, so that no correct service violates them.
 */

/** The largest error with which a replica reads the clock of its database. */
const CLOCK_ERROR_MS = 100;

/** I1: a verification succeeds at most once. A replay is the same success. */
export function findDuplicateSuccesses(history: History): string[] {
  const providerPinIds = listSuccesses(history).flatMap(
    ({ checks }) => checks[0]?.providerPinId ?? [],
  );
  return findRepeated(providerPinIds).map(([pin, count]) => `${pin} succeeded ${count} times`);
}

/** I2: the provider checks no more codes of a verification than it has attempts. */
export function findAttemptLimitViolations({ codeChecks, limits }: History): string[] {
  return countByName(codeChecks.map(({ providerPinId }) => providerPinId))
    .filter(([, count]) => count > limits.maxAttempts)
    .map(([pin, count]) => `${count} codes of ${pin} were checked`);
}

/**
 * I2: in any hour, no more wrong codes of a number are checked than its limit allows. A right code restarts
 * the count. The latest time of that is the end of its call, or any later time if a crash broke the call.
 */
export function findFailureLimitViolations({ calls, codeChecks, limits }: History): string[] {
  return groupByNumber(codeChecks).flatMap(([number, checks]) => {
    const successes = calls.filter((call) => call.phoneNumber === number && isSuccess(call));
    const restarts = checks
      .filter(({ isCorrect }) => isCorrect)
      .map(({ at }) => {
        const ends = successes.map(({ endedAt }) => endedAt).filter((endedAt) => endedAt >= at);
        return { earliest: at, latest: Math.min(...ends) };
      });
    const countRestarts = (from: number, to: number) =>
      restarts.filter(({ earliest, latest }) => earliest < to && latest > from).length;
    const wrong = checks.filter(({ isCorrect }) => !isCorrect);
    const isExceeded = wrong.some((first, i) =>
      wrong
        .slice(i)
        .some(
          (last, j) =>
            last.at - first.at < hours(1) &&
            j + 1 > limits.failuresPerHour * (1 + countRestarts(first.at, last.at)),
        ),
    );
    return isExceeded ? [`too many wrong codes of ${number} were checked in an hour`] : [];
  });
}

const isSuccess = ({ operation, response }: Call): boolean =>
  operation === 'verify' && response?.body.verified === true;

/** I3: an idempotency key causes at most one message. A phone that uses keys has one per operation. */
export function findDuplicateMessages({ calls, messages }: History): string[] {
  const nameOf = ({ operation, phoneNumber }: Call | SentMessage) => `${operation} ${phoneNumber}`;
  const keyed = new Set(calls.filter(isKeyed).map(nameOf));
  return findRepeated(messages.map(nameOf).filter((name) => keyed.has(name))).map(
    ([name, count]) => `the key of "${name}" caused ${count} messages`,
  );
}

/** I3: an idempotency key has one final response. Errors are not final: a retry runs again. */
export function findInconsistentReplays({ calls }: History): string[] {
  const responses = new Map<string, Set<string>>();
  for (const { key = '', response } of calls.filter(isKeyed).filter(isFinal)) {
    responses.set(key, (responses.get(key) ?? new Set()).add(JSON.stringify(response?.body)));
  }
  return [...responses]
    .filter(([, bodies]) => bodies.size > 1)
    .map(([key, bodies]) => `"${key}" returned ${[...bodies].join(' and ')}`);
}

/** I4: no code succeeds after its expiry: the provider accepted it in time. */
export function findLateSuccesses(history: History): string[] {
  const verifications = listVerifications(history);
  return listSuccesses(history).flatMap(({ call, checks }) => {
    if (checks.length === 0) return [`${describe(call)} succeeded without a code check`];
    // The expiry is unknown if the response to the send was lost.
    const expiresAt =
      verifications.find(({ message }) => message.providerPinId === checks[0]?.providerPinId)
        ?.expiresAt ?? Infinity;
    return checks.some(({ at }) => at < expiresAt + CLOCK_ERROR_MS)
      ? []
      : [`${describe(call)} succeeded after its expiry`];
  });
}

/** A number never gets more messages in any day than its limit. */
export function findSendLimitViolations({ messages, limits }: History): string[] {
  return findExceeding(messages, limits.sendsPerDay, hours(24)).map(
    (number) => `${number} got too many messages in a day`,
  );
}

/**
 * Two messages to a number are a cooldown apart. The service measures from admission to admission,
 * which the history does not record. The first admission came after the start of its call, and the
 * second came before the provider got its message. So these two times are at least as far apart.
 */
export function findCooldownViolations(history: History): string[] {
  const { messages, limits } = history;
  return groupByNumber(messages).flatMap(([number, own]) =>
    own.slice(1).flatMap((message, index) => {
      const apartMs = message.at - findEarliestAdmission(history, own[index] ?? message);
      return apartMs < limits.cooldownMs - CLOCK_ERROR_MS
        ? [`${number} got another message after ${apartMs} ms`]
        : [];
    }),
  );
}

/** A pending verification whose pinId was returned can be verified after all crashes. */
export function findLostVerifications(history: History): string[] {
  return listExpectedSuccesses(history)
    .filter((call) => !wasVerified(call))
    .map((call) => `${describe(call)} returned ${JSON.stringify(call.response)}`);
}

/** The verify calls of the last run whose verifications were certainly pending before the call. */
export function listExpectedSuccesses(history: History): Call[] {
  const { calls, runs } = history;
  const lastStart = runs.at(-1)?.startedAt ?? 0;
  const earlier = calls.filter(({ startedAt }) => startedAt < lastStart);
  const lastVerifies = calls.filter(
    (call) => call.startedAt >= lastStart && call.operation === 'verify',
  );
  return listVerifications(history).flatMap((verification) => {
    const call = lastVerifies.find(({ pinId }) => pinId === verification.pinId);
    return call && isCertainlyPending(history, verification, call, earlier) ? [call] : [];
  });
}

function isCertainlyPending(
  history: History,
  { phoneNumber, expiresAt, message }: Verification,
  verify: Call,
  earlier: readonly Call[],
): boolean {
  const { messages, codeChecks, limits } = history;
  const isSuperseded = messages.some(
    (other) =>
      other.operation === 'send' && other.phoneNumber === phoneNumber && other.at > message.at,
  );
  // A crash may have dropped the successful response. Only a retry with the same key returns it.
  const isVerified = codeChecks.some(
    ({ providerPinId, isCorrect, at }) =>
      isCorrect && providerPinId === message.providerPinId && at < verify.startedAt,
  );
  return (
    !isSuperseded &&
    (!isVerified || verify.key !== undefined) &&
    countMaxAttempts(history, phoneNumber, earlier) < limits.maxAttempts &&
    verify.endedAt < expiresAt - CLOCK_ERROR_MS
  );
}

/** The most attempts that these calls can have used: a broken call may have used one. */
function countMaxAttempts({ runs }: History, number: string, calls: readonly Call[]): number {
  const attempts = calls.filter(
    ({ phoneNumber, operation, response }) =>
      phoneNumber === number &&
      operation === 'verify' &&
      (!response || response.body.reason === 'wrong_code'),
  );
  const runOf = (call: Call) => runs.findLastIndex((run) => run.startedAt <= call.startedAt);
  // Within one run of the service, only one of the calls with the same key is executed.
  const keyed = new Set(attempts.filter(isKeyed).map((call) => `${call.key} ${runOf(call)}`));
  return keyed.size + attempts.filter((call) => !isKeyed(call)).length;
}

/** The service breaks no connection by itself: only the kill does. */
export function findBrokenConnections({ calls, runs }: History): string[] {
  return calls
    .filter(({ response, startedAt, endedAt }) => {
      const killedAt = runs.find((run) => (run.killedAt ?? Infinity) >= startedAt)?.killedAt;
      return !response && endedAt < (killedAt ?? Infinity);
    })
    .map((call) => `the connection of ${describe(call)} broke`);
}

const OVER_LIMIT = ['429 quota_exceeded'];
const TEMPORARY = ['409 request_in_progress', '503 provider_unavailable'];
const MESSAGE_RESPONSES = [
  '200',
  '429 cooldown_active',
  '504 provider_timeout',
  ...OVER_LIMIT,
  ...TEMPORARY,
];
const EXPECTED_RESPONSES: Record<Call['operation'], readonly string[]> = {
  send: MESSAGE_RESPONSES,
  resend: ['409 not_resendable', ...MESSAGE_RESPONSES],
  verify: ['200', '404 verification_not_found', ...OVER_LIMIT, ...TEMPORARY],
};

/** A crash damages no records: every response is one of the expected ones. */
export function findUnexpectedResponses({ calls }: History): string[] {
  return calls
    .filter(
      ({ operation, response }) =>
        response && !EXPECTED_RESPONSES[operation].includes(summarize(response)),
    )
    .map((call) => `${describe(call)} returned ${JSON.stringify(call.response)}`);
}

const summarize = ({ status, body }: NonNullable<Call['response']>): string =>
  [status, body.code].filter(Boolean).join(' ');

interface Success {
  readonly call: Call;
  /** Code checks that may belong to this call; several if equal calls ran at the same time. */
  readonly checks: readonly CodeCheck[];
}

function listSuccesses(history: History): Success[] {
  const providerPinIds = new Map(
    listVerifications(history).map(({ pinId, message }) => [pinId, message.providerPinId]),
  );
  const correct = history.codeChecks.filter(({ isCorrect }) => isCorrect);
  return history.calls
    .filter((call) => hasOriginalResponse(call) && wasVerified(call))
    .map((call) => ({
      call,
      checks: correct.filter(
        ({ at, phoneNumber, code, providerPinId }) =>
          isDuring(call, at) &&
          phoneNumber === call.phoneNumber &&
          code === call.code &&
          (call.pinId === undefined || providerPinId === providerPinIds.get(call.pinId)),
      ),
    }));
}

/** The earliest time at which the service can have admitted the message. */
function findEarliestAdmission({ calls, runs }: History, message: SentMessage): number {
  // A call whose connection broke can have sent a message until the service started again.
  const mayStillSend = ({ response, endedAt }: Call): boolean =>
    endedAt >= message.at ||
    (!response && !runs.some(({ startedAt }) => startedAt > endedAt && startedAt <= message.at));
  const causes = calls.filter(
    (call) =>
      call.operation === message.operation &&
      call.phoneNumber === message.phoneNumber &&
      call.startedAt <= message.at &&
      mayStillSend(call),
  );
  return Math.min(...causes.map(({ startedAt }) => startedAt));
}

const isKeyed = ({ key }: Call): boolean => key !== undefined;

/** Whether the response is stored for replays: an accepted send, or a checked code. */
const isFinal = ({ operation, response }: Call): boolean =>
  response?.status === 200 &&
  (response.replayed ||
    operation !== 'verify' ||
    response.body.verified === true ||
    response.body.reason === 'wrong_code');

/** The numbers with more than `count` events in some time span of this length. */
function findExceeding(
  events: readonly { readonly phoneNumber: string; readonly at: number }[],
  count: number,
  spanMs: number,
): string[] {
  return groupByNumber(events)
    .filter(([, own]) => own.some(({ at }, i) => (own[i + count]?.at ?? Infinity) - at < spanMs))
    .map(([number]) => number);
}

/** The events of each number, by time. */
function groupByNumber<T extends { readonly phoneNumber: string; readonly at: number }>(
  events: readonly T[],
): [number: string, own: T[]][] {
  const groups = new Map<string, T[]>();
  for (const event of events) {
    groups.set(event.phoneNumber, [...(groups.get(event.phoneNumber) ?? []), event]);
  }
  return [...groups].map(([number, own]) => [number, own.sort((a, b) => a.at - b.at)]);
}

function countByName(names: readonly string[]): [name: string, count: number][] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts];
}

const findRepeated = (names: readonly string[]) =>
  countByName(names).filter(([, count]) => count > 1);

const describe = ({ operation, phoneNumber, pinId, key }: Call): string =>
  [operation, phoneNumber, pinId, key && `(key "${key}")`].filter(Boolean).join(' ');
