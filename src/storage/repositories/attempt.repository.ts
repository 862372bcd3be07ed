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
import { createWindowEntry } from '../limits/sliding-window.js';
import { TrafficCounts } from '../limits/traffic-counts.js';
import type { VerificationRow } from '../migrations/schema.js';
import type { VerificationNotFound } from '../verification.types.js';
import { IdempotencyKeyRepository, NO_CLAIM } from './idempotency-key.repository.js';
import { VerificationTable } from './verification-table.js';
import { getAttemptsRemaining, getClosedReason, getStatusAt } from './verification-status.js';

/** What is counted of an attempt. */
type CountedAttempt = Pick<Attempt, 'pinId' | 'numberHash' | 'numberEntry' | 'claim'>;

const VERIFIED: VerifyResult = { verified: true };

/** Attempts: reserved before the provider checks the code, completed or released after. */
@Injectable()
export class AttemptRepository {
  constructor(
    private readonly database: Database,
    private readonly verifications: VerificationTable,
    private readonly limits: NumberLimits,
    private readonly traffic: TrafficCounts,
    private readonly keys: IdempotencyKeyRepository,
  ) {}

  async reserve(request: AttemptRequest, idempotency?: IdempotentRequest): Promise<AttemptResult> {
    const { selector, client, now } = request;
    const pinId = await this.verifications.findPinId(this.database, selector, client);
    await this.verifications.rehashVerification(this.database, pinId, client);
    if (idempotency) await this.keys.rehash(this.database, client, idempotency);
    const claim = idempotency && this.keys.createClaim(idempotency);
    const numberEntry = createWindowEntry(now);
    const reservation = { pinId, numberEntry, claim: claim ?? NO_CLAIM };
    const { isClaimed, reserved } = await this.database.run((batch) =>
      this.writeReservation(batch, request, reservation, idempotency),
    );
    const { row } = reserved;
    if (row) return this.grant(row, numberEntry, claim);
    if (claim && !isClaimed?.()) {
      return this.keys.findReplay(this.database, client, idempotency, now, 'verify');
    }
    return this.findRejection(pinId, request);
  }

  async release({ pinId, numberHash, numberEntry, claim }: CountedAttempt): Promise<void> {
    await this.database.run((batch) => {
      this.verifications.queries.releaseAttempt(batch, { pinId });
      this.limits.queries.releaseAttempt(batch, { key: numberHash, entry: numberEntry });
      if (claim) this.keys.queries.release(batch, { pinId, runId: claim.runId });
    });
  }

  async complete(attempt: Attempt, result: CheckResult, now: number): Promise<VerifyResult> {
    if (result === 'verified' && (await this.markVerified(attempt, now))) return VERIFIED;
    return this.reject(attempt, result, now);
  }

  /** Marks it verified if still open; of concurrent requests exactly one succeeds. */
  private async markVerified(attempt: Attempt, now: number): Promise<boolean> {
    const { pinId, client, country, numberHash, prefixHash, createdAt, numberEntry, claim } =
      attempt;
    const countKey = { client, country, prefix_hash: prefixHash, created_at: createdAt };
    const verified = await this.database.run((batch) => {
      const number = { key: numberHash, entry: numberEntry };
      this.limits.queries.recordVerified(batch, { pinId, now, ...number });
      this.traffic.addVerified(batch, countKey, { pinId, now });
      if (claim) this.keys.storeResponseIfVerifiable(batch, attempt, claim, VERIFIED, now);
      // Comes last: the other statements require that the verification is still open.
      return this.verifications.queries.verify(batch, { pinId, now });
    });
    return verified.row !== undefined;
  }

  private async reject(attempt: Attempt, result: CheckResult, now: number): Promise<VerifyResult> {
    const { pinId, client, numberHash, numberEntry, claim } = attempt;
    const write = (batch: StatementBatch) => {
      if (result === 'expired') this.verifications.queries.expire(batch, { pinId, now });
      if (exhaustsAttempts(result)) this.verifications.queries.exhaustAttempts(batch, { pinId });
      // Only a wrong code counts against its number.
      if (!isWrong(result))
        this.limits.queries.releaseAttempt(batch, { key: numberHash, entry: numberEntry });
      return this.verifications.queries.read(batch, { pinId, client });
    };
    if (!claim) return toVerifyResult((await this.database.run(write)).row, result, now);
    return this.database.transaction(async (transaction) => {
      const { row } = await transaction.run(write);
      const response = toVerifyResult(row, result, now);
      await transaction.run((batch) => {
        this.keys.storeResponse(batch, attempt, claim, response);
      });
      return response;
    });
  }

  /** Counts an attempt for its number and its verification, or for neither, in one batch. */
  private writeReservation(
    batch: StatementBatch,
    { client, reference, now }: AttemptRequest,
    { pinId, numberEntry, claim }: { pinId: string; numberEntry: string; claim: IdempotencyClaim },
    idempotency: IdempotentRequest | undefined,
  ) {
    const target = { client, pinId };
    const isClaimed =
      idempotency &&
      this.keys.claim(batch, target, claim, idempotency, now, { rerunAfterCrash: true });
    // The row has one of these hashes at most: of the current secret or of an old one.
    for (const referenceHash of this.verifications.hashReference(reference)) {
      const attempt = { referenceHash, ...target, ...claim };
      this.limits.reserveAttempt(batch, attempt, numberEntry, now);
    }
    const entry = numberEntry;
    const reserved = this.verifications.queries.reserveAttempt(batch, { pinId, entry });
    if (idempotency)
      this.keys.queries.releaseIfUncounted(batch, { pinId, entry, runId: claim.runId });
    return { isClaimed, reserved };
  }

  /** Grants a counted attempt, or releases it if the verification cannot be decrypted. */
  private async grant(
    row: VerificationRow,
    numberEntry: string,
    claim: IdempotencyClaim | undefined,
  ): Promise<AttemptResult> {
    const pinId = row.pin_id;
    // Rehashed by now, if it was written under an old secret.
    const numberHash = row.number_hash;
    const fields = this.verifications.decrypt(row);
    if ('outcome' in fields) {
      await this.release({ pinId, numberHash, numberEntry, claim });
      return fields;
    }
    const attempt = {
      pinId,
      client: row.client,
      country: row.country,
      channel: row.channel,
      provider: row.provider,
      numberEntry,
      numberHash,
      prefixHash: row.prefix_hash,
      createdAt: row.created_at,
      claim,
      ...fields,
    };
    return { outcome: 'granted', attempt };
  }

  /** Finds why an attempt was not reserved. */
  private async findRejection(
    pinId: string,
    { client, reference, now }: AttemptRequest,
  ): Promise<VerificationNotFound | VerificationClosed | LimitExceeded> {
    const getRow = await this.database.run((batch) =>
      this.verifications.readSent(batch, pinId, client),
    );
    const row = getRow();
    if (!row) return { outcome: 'not_found' };
    if (!this.verifications.hashReference(reference).includes(row.reference_hash)) {
      return { outcome: 'closed', reason: 'reference_mismatch' };
    }
    if (getStatusAt(row, now) !== 'pending') {
      return { outcome: 'closed', reason: getClosedReason(row, now) };
    }
    return this.limits.findAttemptLimit(this.database, row.number_hash, now);
  }
}

const exhaustsAttempts = (result: CheckResult): boolean =>
  result === 'attempts_exhausted' || result === 'wrong_code_final';

const isWrong = (result: CheckResult): boolean =>
  result === 'wrong_code' || result === 'wrong_code_final';

function toVerifyResult(
  row: VerificationRow | undefined,
  result: CheckResult,
  now: number,
): VerifyResult {
  // Erased while the provider checked the code.
  if (!row) return { verified: false, reason: 'cancelled' };
  if (result === 'wrong_code' && row.status === 'pending' && now < row.expires_at) {
    return { verified: false, reason: 'wrong_code', attemptsRemaining: getAttemptsRemaining(row) };
  }
  return { verified: false, reason: getClosedReason(row, now) };
}
