import { hours } from '../../../src/common/durations.js';
import { IDEMPOTENCY_KEY_MS } from './model-rules.js';
import type { OperationRecord, ProviderCall } from './operation.js';
import {
  isAcceptedMessage,
  isCodeCheck,
  isCodeComparison,
  readProviderPinId,
} from './provider-results.js';
import type { ModelTestRun } from './run-model-test.js';

/*
 * The invariants I1 to I7 of docs/security.md, checked on a history without the model: from the
 * answers and the calls that the providers received. Each check returns one line per violation.
 */
type InvariantCheck = (run: ModelTestRun) => string[];

export const INVARIANT_CHECKS: Readonly<Record<string, InvariantCheck>> = {
  'I1: a verification succeeds at most once': findDuplicateSuccesses,
  'I1: only the right code of the client verifies': findWrongSuccesses,
  'I2: a verification has no more codes checked than it has attempts': findExtraChecks,
  'I2: a client has no more wrong codes of a number checked than its limit': findExtraWrongCodes,
  'I3: an idempotency key leads to one message at most': findDuplicateMessages,
  'I4: nothing verifies after its expiry': findLateSuccesses,
  'I5: no number, key, pinId or provider PIN id is in the log, and no number in a URL': findLeaks,
  'I6: a rejected request makes no provider call': findCallsOfRejected,
  'I7: a client gets nothing of the verifications of others': findForeignAnswers,
};

const isSuccess = ({ kind, response }: OperationRecord): boolean =>
  kind === 'verify' && response.body['verified'] === true && !response.replayed;

/** Maps each provider PIN id to the send that created its verification. */
function mapPinsToSends({ records }: ModelTestRun): Map<string, OperationRecord> {
  const sends = new Map<string, OperationRecord>();
  const byId = new Map(records.map((record) => [record.id, record]));
  for (const record of records) {
    if (record.kind !== 'send' && record.kind !== 'resend') continue;
    const send = byId.get(record.target ?? record.id);
    for (const call of record.calls) {
      if (send && isAcceptedMessage(call)) sends.set(readProviderPinId(call), send);
    }
  }
  return sends;
}

const listChecks = ({ records }: ModelTestRun): ProviderCall[] =>
  records.flatMap(({ calls }) => calls.filter(isCodeCheck));

function findDuplicateSuccesses(run: ModelTestRun): string[] {
  const sends = mapPinsToSends(run);
  const succeeded = run.records.filter(isSuccess).map(({ id, target, calls }) => {
    const pinId = calls.find(isCodeCheck)?.providerPinId ?? '';
    return sends.get(pinId)?.id ?? target ?? id;
  });
  return succeeded.filter((id, index) => succeeded.indexOf(id) !== index);
}

/** A code verifies only if it was sent to the number, even if the answer to its check was lost. */
function findWrongSuccesses({ records, codes }: ModelTestRun): string[] {
  const sent = new Set<string>();
  const byId = new Map(records.map((record) => [record.id, record]));
  return records.flatMap((record) => {
    const { id, client, target, code = '' } = record;
    const phoneNumber = record.phoneNumber ?? byId.get(target ?? '')?.phoneNumber;
    for (const call of record.calls.filter(isAcceptedMessage)) {
      sent.add(`${client} ${phoneNumber} ${codes.get(readProviderPinId(call))}`);
    }
    const isRight = sent.has(`${client} ${phoneNumber} ${code}`);
    return isSuccess(record) && !isRight ? [`${id} verified with a wrong code`] : [];
  });
}

function findExtraChecks(run: ModelTestRun): string[] {
  const sends = mapPinsToSends(run);
  const counts = new Map<string, number>();
  for (const { providerPinId = '' } of listChecks(run)) {
    const id = sends.get(providerPinId)?.id ?? providerPinId;
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count > run.settings.maxAttempts)
    .map(([id, count]) => `${count} codes of ${id} were checked`);
}

/** Wrong codes before a success count only in the limit of the day, not in that of the hour. */
function findExtraWrongCodes(run: ModelTestRun): string[] {
  const { records, codes, settings } = run;
  const sends = mapPinsToSends(run);
  const failures = new Map<string, { wrong: number[]; verifiedAt: number }>();
  return records.flatMap((record) => {
    const check = record.calls.find(isCodeComparison);
    const send = sends.get(check?.providerPinId ?? '');
    if (!check || !send) return [];
    const name = `${send.client} ${send.phoneNumber}`;
    const earlier = failures.get(name) ?? { wrong: [], verifiedAt: 0 };
    const verifiedAt = isSuccess(record) ? record.endedAt : earlier.verifiedAt;
    const isRight = check.code === codes.get(check.providerPinId ?? '');
    const now = record.startedAt;
    const all = isRight ? earlier.wrong : [...earlier.wrong, now];
    failures.set(name, { wrong: all, verifiedAt });
    if (isRight) return [];
    const hour = all.filter((at) => at > now - hours(1) && at > verifiedAt).length;
    const day = all.filter((at) => at > now - hours(24)).length;
    return hour > settings.failuresPerHour || day > settings.failuresPerDay
      ? [`${record.id} is one wrong code of ${name} too many`]
      : [];
  });
}

function findDuplicateMessages({ records }: ModelTestRun): string[] {
  const sentAt = new Map<string, number>();
  return records.flatMap(({ id, client, key, startedAt, calls }) => {
    if (key === undefined || !calls.some(isAcceptedMessage)) return [];
    const name = `${client} ${key}`;
    const earlier = sentAt.get(name);
    sentAt.set(name, startedAt);
    const isRepeated = earlier !== undefined && earlier > startedAt - IDEMPOTENCY_KEY_MS;
    return isRepeated ? [`${id} sent another message for ${name}`] : [];
  });
}

function findLateSuccesses(run: ModelTestRun): string[] {
  const sends = mapPinsToSends(run);
  return run.records.filter(isSuccess).flatMap(({ id, calls, endedAt }) => {
    const call = calls.find(isCodeCheck);
    const send = sends.get(call?.providerPinId ?? '');
    // A repeated request may be answered by the result of the first one, without a check.
    if (!call || !send) return calls.length > 0 ? [] : [`${id} succeeded without a call`];
    const expiresAt = send.startedAt + run.settings.ttlMs;
    return Math.min(call.endedAt, endedAt) < expiresAt ? [] : [`${id} succeeded too late`];
  });
}

function findLeaks({ records, codes, logs }: ModelTestRun): string[] {
  const log = logs.join('');
  const pinIds = records.flatMap(({ pinId }) => pinId ?? []);
  const keys = records.flatMap(({ key }) => key ?? []);
  const numbers = records.flatMap(({ phoneNumber }) => phoneNumber?.slice(1) ?? []);
  const secrets = new Set([
    ...pinIds,
    ...keys.map((key) => `"${key}"`),
    ...numbers,
    ...codes.keys(),
  ]);
  const logged = [...secrets].filter((secret) => log.includes(secret));
  // Infobip's API requires the number in the URL of a status call.
  const otherCalls = records.flatMap(({ calls }) =>
    calls.filter(({ operation }) => operation !== 'status'),
  );
  const inUrl = otherCalls.filter(({ path }) => numbers.some((number) => path.includes(number)));
  return [...logged.map((secret) => `${secret} is in the log`), ...inUrl.map(({ path }) => path)];
}

const REJECTIONS = [
  'cooldown_active',
  'quota_exceeded',
  'destination_suspended',
  'idempotency_key_reused',
  'request_in_progress',
  'validation_failed',
  'verification_not_found',
  'reference_mismatch',
];

const isMessage = (kind: string): boolean => kind === 'send' || kind === 'resend';

function findCallsOfRejected({ records }: ModelTestRun): string[] {
  return (
    records
      .filter(({ response: { body, replayed }, calls }) => {
        const isRejected = REJECTIONS.includes(String(body['code'] ?? body['reason']));
        return (isRejected || replayed) && calls.some(isBillable);
      })
      // Except a send or resend whose verification was erased while the provider sent the message.
      .filter(({ kind, response }) => !isMessage(kind) || response.status !== 404)
      .map(({ id }) => `${id} was rejected and made a call`)
  );
}

const isBillable = ({ operation }: ProviderCall): boolean => operation !== 'status';

function findForeignAnswers({ records }: ModelTestRun): string[] {
  const owners = new Map(records.map(({ id, client }) => [id, client]));
  return records
    .filter(({ target, client, response, key }) => {
      const isForeign = target !== undefined && owners.get(target) !== client;
      // With a key, the client's own earlier request decides. A wrong channel is rejected first.
      const dependsOnTarget = key === undefined && response.body['code'] !== 'validation_failed';
      return isForeign && dependsOnTarget && response.status !== 404;
    })
    .map(({ id, response }) => `${id} got ${response.status} about a foreign verification`);
}
