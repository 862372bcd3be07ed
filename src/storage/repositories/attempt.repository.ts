import { Injectable } from '@nestjs/common';
import type { CheckResult } from '../../common/check-result.js';
import type {
  Attempt,
  AttemptRequest,
  AttemptResult,
  VerificationClosed,
  VerifyResult,
} from '../attempt.types.js';
import { Database } from '../engines/database.js';
import type { StatementBatch } from '../engines/statement-batch.js';
import type { IdempotencyClaim, IdempotentRequest } from '../idempotency.types.js';
import type { LimitExceeded } from '../limit.types.js';
import { NumberLimits } from '../limits/number-limits.js';
import { createEntry } from '../limits/sliding-window.js';
import { TrafficCounts } from '../limits/traffic-counts.js';
import type { VerificationRow } from '../migrations/schema.js';
import type { VerificationNotFound } from '../verification.types.js';
import { IdempotencyKeyRepository, NO_KEY } from './idempotency-key.repository.js';
import { VerificationMapper } from './verification-mapper.js';
import { attemptsRemaining, closedReason, effectiveStatus } from './verification-status.js';

const VERIFIED: VerifyResult = { verified: true };

/** Attempts: reserved before the provider checks the code, completed or released after. */
@Injectable()
export class AttemptRepository {
  constructor(
    private readonly database: Database,
    private readonly mapper: VerificationMapper,
    private readonly limits: NumberLimits,
    private readonly traffic: TrafficCounts,
    private readonly keys: IdempotencyKeyRepository,
  ) {}

  async reserve(request: AttemptRequest, idempotency?: IdempotentRequest): Promise<AttemptResult> {
    const { selector, client, now } = request;
    const pinId = await this.mapper.findPinId(this.database, selector, client);
    await this.mapper.rehashVerification(this.database, pinId, client);
    if (idempotency) await this.keys.rehash(this.database, client, idempotency);
    const key = idempotency && this.keys.startRun(idempotency);
    const entry = createEntry(now);
    const { claimed, counted } = await this.database.run((batch) =>
      this.countAttempt(batch, request, { pinId, entry, key: key ?? NO_KEY }, idempotency),
    );
    const { row } = counted;
    if (row) return { outcome: 'granted', attempt: this.toAttempt(row, entry, key) };
    if (key && !claimed()) {
      return this.keys.findReplay(this.database, client, key, idempotency, now);
    }
    return this.findRejection(pinId, request);
  }

  async release(attempt: Attempt): Promise<void> {
    const { pinId, numberHash, entry, key } = attempt;
    await this.database.run((batch) => {
      this.mapper.queries.releaseAttempt(batch, { pinId });
      this.limits.queries.releaseFailure(batch, { key: numberHash, entry });
      if (key) this.keys.queries.release(batch, { pinId, runId: key.runId });
    });
  }

  async complete(attempt: Attempt, result: CheckResult, now: number): Promise<VerifyResult> {
    if (result === 'verified' && (await this.markVerified(attempt, now))) return VERIFIED;
    return this.reject(attempt, result, now);
  }

  /** Marks it verified if still open; of concurrent requests exactly one succeeds. */
  private async markVerified(attempt: Attempt, now: number): Promise<boolean> {
    const { pinId, client, country, numberHash, prefixHash, createdAt, entry, key } = attempt;
    const countKey = { client, country, prefix_hash: prefixHash, created_at: createdAt };
    const verified = await this.database.run((batch) => {
      this.limits.queries.recordVerified(batch, { key: numberHash, pinId, entry, now });
      this.traffic.addVerified(batch, countKey, { pinId, now });
      if (key) this.keys.storeVerified(batch, attempt, key, VERIFIED, now);
      // Comes last: the other statements require that the verification is still open.
      return this.mapper.queries.verify(batch, { pinId, now });
    });
    return verified.row !== undefined;
  }

  private async reject(attempt: Attempt, result: CheckResult, now: number): Promise<VerifyResult> {
    const { pinId, client, numberHash, entry, key } = attempt;
    const write = (batch: StatementBatch) => {
      if (result === 'expired') this.mapper.queries.expire(batch, { pinId, now });
      if (isFinal(result)) this.mapper.queries.spendAttempts(batch, { pinId });
      // Only a wrong code counts against its number.
      if (!isWrong(result)) this.limits.queries.releaseFailure(batch, { key: numberHash, entry });
      return this.mapper.queries.read(batch, { pinId, client });
    };
    if (!key) return toVerifyResult((await this.database.run(write)).row, result, now);
    return this.database.transaction(async (transaction) => {
      const { row } = await transaction.run(write);
      const response = toVerifyResult(row, result, now);
      await transaction.run((batch) => {
        this.keys.storeResponse(batch, attempt, key, response);
      });
      return response;
    });
  }

  /** Counts a code against its number and its verification, or against neither, in one batch. */
  private countAttempt(
    batch: StatementBatch,
    { client, reference, now }: AttemptRequest,
    { pinId, entry, key }: { pinId: string; entry: string; key: IdempotencyClaim },
    idempotency: IdempotentRequest | undefined,
  ) {
    const { keyHash, runId } = key;
    const owner = { client, pinId };
    const claimed = idempotency
      ? this.keys.claim(batch, owner, key, idempotency, now, true)
      : () => false;
    for (const referenceHash of this.mapper.referenceHashes(reference)) {
      const code = { pinId, client, referenceHash, keyHash, runId };
      this.limits.reserveFailure(batch, code, entry, now);
    }
    const counted = this.mapper.queries.reserveAttempt(batch, { pinId, entry });
    if (idempotency) this.keys.queries.releaseIfUncounted(batch, { pinId, runId, entry });
    return { claimed, counted };
  }

  private toAttempt(
    row: VerificationRow,
    entry: string,
    key: IdempotencyClaim | undefined,
  ): Attempt {
    return {
      pinId: row.pin_id,
      client: row.client,
      country: row.country,
      channel: row.channel,
      provider: row.provider,
      entry,
      // Rehashed by now, if it was written under an old secret.
      numberHash: row.number_hash,
      prefixHash: row.prefix_hash,
      createdAt: row.created_at,
      key,
      ...this.mapper.decrypt(row),
    };
  }

  /** Finds why a code was not counted. */
  private async findRejection(
    pinId: string,
    { client, reference, now }: AttemptRequest,
  ): Promise<VerificationNotFound | VerificationClosed | LimitExceeded> {
    const accepted = await this.database.run((batch) =>
      this.mapper.readAccepted(batch, pinId, client),
    );
    const row = accepted();
    if (!row) return { outcome: 'not_found' };
    if (!this.mapper.referenceHashes(reference).includes(row.reference_hash)) {
      return { outcome: 'closed', reason: 'reference_mismatch' };
    }
    if (effectiveStatus(row, now) !== 'pending') {
      return { outcome: 'closed', reason: closedReason(row, now) };
    }
    return this.limits.failureBlockedUntil(this.database, row.number_hash, now);
  }
}

const isFinal = (result: CheckResult): boolean =>
  result === 'attempts_exhausted' || result === 'wrong_code_final';

const isWrong = (result: CheckResult): boolean =>
  result === 'wrong_code' || result === 'wrong_code_final';

function toVerifyResult(
  row: VerificationRow | undefined,
  result: CheckResult,
  now: number,
): VerifyResult {
  if (!row) return { verified: false, reason: 'cancelled' };
  if (result === 'wrong_code' && row.status === 'pending' && now < row.expires_at) {
    return { verified: false, reason: 'wrong_code', attemptsRemaining: attemptsRemaining(row) };
  }
  return { verified: false, reason: closedReason(row, now) };
}
