import { hours } from '../../../src/common/durations.js';
import {
  isDuring,
  isNotReplay,
  listVerifications,
  wasVerified,
  type Call,
  type History,
  type CodeCheck,
  type SentMessage,
  type Verification,
} from './history.js';

/*
 * What has to be true of every history, whatever crashed in it. Each check names what is against
 * it, a line a fault. A check must hold for every correct service, so where the history does not
 * tell when something took place inside the service, its earliest or latest moment is taken.
 */

/** The clock of a database may be read with this error. */
const CLOCK_ERROR_MS = 100;

/** I1: a verification succeeds at most once. A replay is the same success. */
export function findDuplicateSuccesses(history: History): string[] {
  const pins = successesOf(history).flatMap(({ proofs }) => proofs[0]?.pin ?? []);
  return repeated(pins).map(([pin, count]) => `${pin} succeeded ${count} times`);
}

/** I2: no verification has more codes judged than it has attempts. */
export function findAttemptLimitViolations({ codeChecks, limits }: History): string[] {
  return counted(codeChecks.map(({ pin }) => pin))
    .filter(([, count]) => count > limits.maxAttempts)
    .map(([pin, count]) => `of ${pin} ${count} codes were judged`);
}

/** I2: no number has more wrong codes judged in any hour than its budget, over all verifications. */
export function findFailureLimitViolations({ codeChecks, limits }: History): string[] {
  const wrong = codeChecks.filter(({ isCorrect }) => !isCorrect);
  return crowded(wrong, limits.failuresPerHour, hours(1)).map(
    (number) => `of ${number} too many wrong codes were judged in an hour`,
  );
}

/** I3: one idempotency key leads to at most one text. Who asks with a key uses no other. */
export function findDuplicateMessages({ calls, messages }: History): string[] {
  const what = ({ operation, phoneNumber }: Call | SentMessage) => `${operation} ${phoneNumber}`;
  const keyed = new Set(calls.filter(isKeyed).map(what));
  return repeated(messages.map(what).filter((name) => keyed.has(name))).map(
    ([name, count]) => `the key of "${name}" led to ${count} texts`,
  );
}

/** I3: one idempotency key has one answer. A refusal is none: after it a repeat is to run. */
export function findInconsistentReplays({ calls }: History): string[] {
  const answers = new Map<string, Set<string>>();
  for (const { key = '', response } of calls.filter(isKeyed).filter(isFinal)) {
    answers.set(key, (answers.get(key) ?? new Set()).add(JSON.stringify(response?.body)));
  }
  return [...answers]
    .filter(([, different]) => different.size > 1)
    .map(([key, different]) => `"${key}" was answered ${[...different].join(' and ')}`);
}

/** I4: nothing verifies after its expiry: the vendor's yes, which comes before, came in time. */
export function findLateSuccesses(history: History): string[] {
  const verifications = listVerifications(history);
  return successesOf(history).flatMap(({ call, proofs }) => {
    if (proofs.length === 0) return [`${describe(call)} succeeded without proof`];
    // Unknown where the answer to the send was lost.
    const expiresAt =
      verifications.find(({ message }) => message.pin === proofs[0]?.pin)?.expiresAt ?? Infinity;
    return proofs.some(({ at }) => at < expiresAt + CLOCK_ERROR_MS)
      ? []
      : [`${describe(call)} succeeded after its expiry`];
  });
}

/** A number has no more texts in any day than its budget. */
export function findSendLimitViolations({ messages, limits }: History): string[] {
  return crowded(messages, limits.sendsPerDay, hours(24)).map(
    (number) => `${number} had too many texts in a day`,
  );
}

/**
 * Two texts to a number are a cooldown apart. That is counted between the moments in which the
 * service admits them. The first was admitted after its call began, the second before the vendor
 * had it, so these two, which are known, are at least as far apart.
 */
export function findCooldownViolations(history: History): string[] {
  const { messages, limits } = history;
  return byNumber(messages).flatMap(([number, own]) =>
    own.slice(1).flatMap((text, index) => {
      const apart = text.at - admittedAfter(history, own[index] ?? text);
      return apart < limits.cooldownMs - CLOCK_ERROR_MS
        ? [`${number} was texted again after ${apart} ms`]
        : [];
    }),
  );
}

/** A pending verification whose handle was answered can be verified, after all crashes. */
export function findLostVerifications(history: History): string[] {
  return listExpectedSuccesses(history)
    .filter((call) => !wasVerified(call))
    .map((call) => `${describe(call)} was answered ${JSON.stringify(call.response)}`);
}

/** The last calls for those verifications of which the history proves that they were pending. */
export function listExpectedSuccesses(history: History): Call[] {
  const { calls, runs } = history;
  const lastStart = runs.at(-1)?.startedAt ?? 0;
  const earlier = calls.filter(({ startedAt }) => startedAt < lastStart);
  const last = calls.filter((call) => call.startedAt >= lastStart && call.operation === 'verify');
  return listVerifications(history).flatMap((verification) => {
    const call = last.find(({ pinId }) => pinId === verification.pinId);
    return call && isPromised(history, verification, call, earlier) ? [call] : [];
  });
}

function isPromised(
  history: History,
  { phoneNumber, expiresAt, message }: Verification,
  last: Call,
  earlier: readonly Call[],
): boolean {
  const { messages, codeChecks, limits } = history;
  const superseded = messages.some(
    (other) =>
      other.operation === 'send' && other.phoneNumber === phoneNumber && other.at > message.at,
  );
  // The crash may have swallowed the success. Only a repeat under its key has a right to hear it.
  const verified = codeChecks.some(
    ({ pin, isCorrect, at }) => isCorrect && pin === message.pin && at < last.startedAt,
  );
  return (
    !superseded &&
    (!verified || last.key !== undefined) &&
    mostSpent(history, phoneNumber, earlier) < limits.maxAttempts &&
    last.endedAt < expiresAt - CLOCK_ERROR_MS
  );
}

/** How many attempts these calls can have cost a number: a call that broke may have cost one. */
function mostSpent({ runs }: History, number: string, calls: readonly Call[]): number {
  const costly = calls.filter(
    ({ phoneNumber, operation, response }) =>
      phoneNumber === number &&
      operation === 'verify' &&
      (!response || response.body.reason === 'wrong_code'),
  );
  const runOf = (call: Call) => runs.findLastIndex((run) => run.startedAt <= call.startedAt);
  // In one life of the service only one of the calls with a key is run.
  const keyed = new Set(costly.filter(isKeyed).map((call) => `${call.key} ${runOf(call)}`));
  return keyed.size + costly.filter((call) => !isKeyed(call)).length;
}

/** The service ended no call by itself: a connection broke only by the kill. */
export function findBrokenConnections({ calls, runs }: History): string[] {
  return calls
    .filter(({ response, startedAt, endedAt }) => {
      const killedAt = runs.find((round) => (round.killedAt ?? Infinity) >= startedAt)?.killedAt;
      return !response && endedAt < (killedAt ?? Infinity);
    })
    .map((call) => `the connection of ${describe(call)} broke`);
}

const LIMITED = ['429 quota_exceeded'];
const PASSING = ['409 request_in_progress', '503 provider_unavailable'];
const TEXTED = ['200', '429 cooldown_active', '504 provider_timeout', ...LIMITED, ...PASSING];
const EXPECTED: Record<Call['operation'], readonly string[]> = {
  send: TEXTED,
  resend: ['409 not_resendable', ...TEXTED],
  verify: ['200', '404 verification_not_found', ...LIMITED, ...PASSING],
};

/** A start after a crash is a start: no answer speaks of broken records. */
export function findUnexpectedResponses({ calls }: History): string[] {
  return calls
    .filter(
      ({ operation, response }) => response && !EXPECTED[operation].includes(wordsOf(response)),
    )
    .map((call) => `${describe(call)} was answered ${JSON.stringify(call.response)}`);
}

const wordsOf = ({ status, body }: NonNullable<Call['response']>): string =>
  [status, body.code].filter(Boolean).join(' ');

interface Success {
  readonly call: Call;
  /** The vendor's yes to this call; more than one if others asked the same at the same time. */
  readonly proofs: readonly CodeCheck[];
}

function successesOf(history: History): Success[] {
  const pins = new Map(
    listVerifications(history).map(({ pinId, message }) => [pinId, message.pin]),
  );
  const yes = history.codeChecks.filter(({ isCorrect }) => isCorrect);
  return history.calls
    .filter((call) => isNotReplay(call) && wasVerified(call))
    .map((call) => ({
      call,
      proofs: yes.filter(
        ({ at, phoneNumber, code, pin }) =>
          isDuring(call, at) &&
          phoneNumber === call.phoneNumber &&
          code === call.code &&
          (call.pinId === undefined || pin === pins.get(call.pinId)),
      ),
    }));
}

/** Before this moment the service cannot have admitted the text. */
function admittedAfter({ calls, runs }: History, text: SentMessage): number {
  // A call that broke can have had a text sent until the service was started anew.
  const open = ({ response, endedAt }: Call): boolean =>
    endedAt >= text.at ||
    (!response && !runs.some(({ startedAt }) => startedAt > endedAt && startedAt <= text.at));
  const causes = calls.filter(
    (call) =>
      call.operation === text.operation &&
      call.phoneNumber === text.phoneNumber &&
      call.startedAt <= text.at &&
      open(call),
  );
  return Math.min(...causes.map(({ startedAt }) => startedAt));
}

const isKeyed = ({ key }: Call): boolean => key !== undefined;

/** Stored for repeats: a send that was taken, and a code that was judged. */
const isFinal = ({ operation, response }: Call): boolean =>
  response?.status === 200 &&
  (response.replayed ||
    operation !== 'verify' ||
    response.body.verified === true ||
    response.body.reason === 'wrong_code');

/** The numbers that have more than `count` events in some span of this length. */
function crowded(
  events: readonly { readonly phoneNumber: string; readonly at: number }[],
  count: number,
  spanMs: number,
): string[] {
  return byNumber(events)
    .filter(([, own]) => own.some(({ at }, i) => (own[i + count]?.at ?? Infinity) - at < spanMs))
    .map(([number]) => number);
}

/** Each number with its events, in their order. */
function byNumber<T extends { readonly phoneNumber: string; readonly at: number }>(
  events: readonly T[],
): [number: string, own: T[]][] {
  const groups = new Map<string, T[]>();
  for (const event of events) {
    groups.set(event.phoneNumber, [...(groups.get(event.phoneNumber) ?? []), event]);
  }
  return [...groups].map(([number, own]) => [number, own.sort((a, b) => a.at - b.at)]);
}

function counted(names: readonly string[]): [name: string, count: number][] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts];
}

const repeated = (names: readonly string[]) => counted(names).filter(([, count]) => count > 1);

const describe = ({ operation, phoneNumber, pinId, key }: Call): string =>
  [operation, phoneNumber, pinId, key && `(key "${key}")`].filter(Boolean).join(' ');
