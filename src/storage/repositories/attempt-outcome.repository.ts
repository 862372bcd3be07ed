import { Inject, Injectable } from '@nestjs/common';
import type { CheckResult, GetAttemptsPerCode } from '../../common/check-result.js';
import { providersConfig, type ProvidersConfig } from '../../config/providers.config.js';
import type { Attempt, AttemptResult, UndecryptedAttempt, VerifyResult } from '../attempt.types.js';
import { Database } from '../engines/database.js';
import type { StatementBatch } from '../engines/statement-batch.js';
import { GuessLimits } from '../limits/guess-limits.js';
import { NumberLimits } from '../limits/number-limits.js';
import { createWindowEntry, getEntryTime, toTimeText } from '../limits/sliding-window.js';
import { TrafficCounts } from '../limits/traffic-counts.js';
import type { VerificationRow } from '../migrations/schema.js';
import { toVerifiedResult } from '../verified-result.js';
import { IdempotencyKeyRepository } from './idempotency-key.repository.js';
import { exhaustsAttempts, isWrong, toVerifyResult } from './rejected-code.js';
import { VerificationTable } from './verification-table.js';
import { WebhookEventRecorder } from './webhook-event-recorder.js';
import { hasLostAnswer } from './verification-status.js';

/** What identifies a counted attempt. */
type ReleasableAttempt = Pick<
  Attempt,
  'pinId' | 'client' | 'numberHash' | 'numberEntry' | 'claim' | 'isRepeat'
>;

/**
 * Decrypts reserved attempts, and completes or releases them after the provider was called. Each
 * write is repeated until it is committed. So it must have the same result if an earlier run of it
 * was committed.
 */
@Injectable()
export class AttemptOutcomeRepository {
  constructor(
    private readonly database: Database,
    private readonly verifications: VerificationTable,
    private readonly limits: NumberLimits,
    private readonly traffic: TrafficCounts,
    private readonly guesses: GuessLimits,
    private readonly keys: IdempotencyKeyRepository,
    private readonly webhooks: WebhookEventRecorder,
    @Inject(providersConfig.KEY) private readonly config: ProvidersConfig,
  ) {}

  /** Decrypts an attempt's verification. If that fails, releases the attempt, if it is counted. */
  async decryptAttempt(found: UndecryptedAttempt, now: number): Promise<AttemptResult> {
    const { row, numberEntry, claim, isRepeat, rejection } = found;
    const pinId = row.pin_id;
    const fields = this.verifications.decrypt(row);
    if ('outcome' in fields) {
      const { client, number_hash: numberHash } = row;
      if (!rejection)
        await this.release({ pinId, client, numberHash, numberEntry, claim, isRepeat });
      return fields;
    }
    if (fields.numberHash !== row.number_hash) {
      await this.verifications.rehashNumber(this.database, fields.phoneNumber, row.client);
    }
    // A counted attempt that repeats none is itself one of the checks without a result.
    const own = isRepeat || rejection ? 0 : 1;
    const attempt = {
      pinId,
      isRepeat,
      followsLostAnswer: hasLostAnswer(row, now, { own, isRepeat }),
      client: row.client,
      country: row.country,
      channel: row.channel,
      provider: row.provider,
      sealed: row.sealed,
      numberEntry,
      createdAt: row.created_at,
      claim,
      ...fields,
      requestedAt: fields.requestedAt ?? row.created_at,
    };
    return rejection
      ? { outcome: 'unresolved', attempt, rejection }
      : { outcome: 'granted', attempt };
  }

  /** Takes back an attempt whose code was not checked. */
  async release({
    pinId,
    client,
    numberHash,
    numberEntry,
    claim,
    isRepeat,
  }: ReleasableAttempt): Promise<void> {
    const write = (batch: StatementBatch) => {
      this.verifications.queries.releaseAttempt(batch, { pinId, resolved: isRepeat ? 0 : 1 });
      this.webhooks.addExhausted(batch, pinId);
      if (claim) {
        // The lost run that this attempt repeats stays unresolved, so the key is kept.
        const endRun = isRepeat ? this.keys.queries.markAmbiguous : this.keys.queries.release;
        endRun(batch, { pinId, runId: claim.runId });
      }
      return this.limits.queries.releaseAttempt(batch, {
        pinId,
        numberHash,
        client,
        entry: numberEntry,
      });
    };
    await this.database.runUntilCommitted(() =>
      this.database.transaction<undefined>(async (transaction, rollback) => {
        const released = await transaction.run(write);
        // If an earlier run has released the attempt, this run must not release it again.
        return released.row ? undefined : rollback(undefined);
      }),
    );
  }

  /** Writes the result of a check. @returns the result for the client */
  async complete(
    attempt: Attempt,
    result: CheckResult,
    now: number,
    getAttemptsPerCode: GetAttemptsPerCode,
  ): Promise<VerifyResult> {
    const isVerified =
      result === 'verified' &&
      (await this.database.runUntilCommitted(
        async (isRepeated) =>
          (await this.markVerified(attempt, now)) ||
          (isRepeated && (await this.verifications.wasVerifiedBy(this.database, attempt, now))),
      ));
    if (isVerified) {
      this.guesses.addCached(attempt.client, 'verified');
      return toVerifiedResult(attempt);
    }
    const describe = (row: VerificationRow | undefined) =>
      toVerifyResult(row, result, now, getAttemptsPerCode);
    const rejected = await this.database.runUntilCommitted((isRepeated) =>
      this.reject(attempt, result, now, isRepeated, describe),
    );
    // Not within the write: a write may be repeated.
    if (isWrong(result)) this.guesses.addCached(attempt.client, 'wrongCodes');
    return rejected;
  }

  /**
   * Marks a verification as verified, if no request has got `verified: true`. Of concurrent
   * requests, exactly one succeeds.
   */
  private async markVerified(attempt: Attempt, now: number): Promise<boolean> {
    const { pinId, client, numberHash, numberEntry, claim } = attempt;
    const verified = await this.database.run((batch) => {
      this.limits.queries.recordVerified(batch, {
        numberHash,
        client,
        entry: numberEntry,
        pinId,
        now,
      });
      this.traffic.queries.addVerified(batch, { pinId, now });
      if (claim) {
        const stored = this.keys.encryptResponse(attempt, claim, toVerifiedResult(attempt));
        this.keys.queries.storeIfClaimable(batch, { now, ...stored });
      }
      this.webhooks.addVerified(batch, pinId, now);
      // Comes last: the statements before require that no request has got `verified: true`.
      return this.verifications.queries.verify(batch, { pinId, now, resolved: 1 });
    });
    return verified.row !== undefined;
  }

  private async reject(
    attempt: Attempt,
    result: CheckResult,
    now: number,
    isRepeated: boolean,
    describe: (row: VerificationRow | undefined) => VerifyResult,
  ): Promise<VerifyResult> {
    const { pinId, client, sealed, numberHash, numberEntry, claim, isRepeat } = attempt;
    const code = { pinId, numberHash, client, entry: numberEntry };
    // If a repeat's code was not checked, the check of the lost run has no result either.
    const resolved = isRepeat && !isWrong(result) ? 0 : 1;
    // A resend that was requested before this time has ended, if only by a crash.
    const after = toTimeText(Math.max(attempt.requestedAt, now - this.config.maxRequestMs));
    const write = (batch: StatementBatch) => {
      const { queries } = this.verifications;
      // Another run of this write may be running, or reach the database later. Only the first one
      // finds the entry as it was reserved, and resolves the attempt.
      queries.lock(batch, { pinId });
      queries.resolveAttempt(batch, { resolved, numberEntry, ...code });
      if (result === 'expired') queries.expire(batch, { pinId, sealed, after, now });
      if (exhaustsAttempts(result)) queries.exhaustAttempts(batch, { pinId, sealed, after });
      // Only a wrong code counts against its number and its client.
      if (isWrong(result)) {
        const newEntry = createWindowEntry(getEntryTime(numberEntry, 1));
        this.limits.queries.replaceAttempt(batch, { newEntry, ...code });
        this.guesses.addWrongCode(batch, client, now);
      } else {
        this.limits.queries.releaseAttempt(batch, code);
      }
      this.webhooks.addExhausted(batch, pinId);
      return queries.read(batch, { pinId, client });
    };
    if (!claim) return describe((await this.database.run(write)).row);
    return this.database.transaction(async (transaction) => {
      const { row } = await transaction.run(write);
      // An earlier run may have stored a response, and a client may have received it.
      const stored = isRepeated && (await this.keys.findOwnResult(transaction, client, claim));
      if (stored) return stored as VerifyResult;
      const response = describe(row);
      await transaction.run((batch) => {
        this.keys.queries.store(batch, this.keys.encryptResponse(attempt, claim, response));
      });
      return response;
    });
  }
}
