import { Injectable } from '@nestjs/common';
import type {
  AttemptRequest,
  AttemptRejection,
  CountedAttempt,
  VerificationClosed,
} from '../attempt.types.js';
import { Database } from '../engines/database.js';
import type { DeferredResult, StatementBatch } from '../engines/statement-batch.js';
import type { IdempotencyClaim, IdempotentRequest } from '../idempotency.types.js';
import type { LimitExceeded, SharedLimitExceeded } from '../limit.types.js';
import { NumberLimits } from '../limits/number-limits.js';
import { createWindowEntry } from '../limits/sliding-window.js';
import type { VerificationRow } from '../migrations/schema.js';
import type { VerificationNotFound } from '../verification.types.js';
import { IdempotencyKeyRepository, NO_CLAIM } from './idempotency-key.repository.js';
import { VerificationTable } from './verification-table.js';
import { getClosedReason, getStatusAt } from './verification-status.js';

/** Counts attempts before the provider checks the code. */
@Injectable()
export class AttemptRepository {
  constructor(
    private readonly database: Database,
    private readonly verifications: VerificationTable,
    private readonly limits: NumberLimits,
    private readonly keys: IdempotencyKeyRepository,
  ) {}

  async reserve(
    request: AttemptRequest,
    idempotency?: IdempotentRequest,
  ): Promise<CountedAttempt | AttemptRejection> {
    const { selector, client, now } = request;
    const pinId = await this.verifications.findPinId(this.database, selector, client);
    await this.verifications.rehashVerification(this.database, pinId, client);
    if (idempotency) await this.keys.rehash(this.database, client, idempotency);
    const claim = idempotency && this.keys.createClaim(idempotency);
    const numberEntry = createWindowEntry(now);
    const reservation = { pinId, numberEntry, claim: claim ?? NO_CLAIM };
    const write = (batch: StatementBatch) =>
      this.writeReservation(batch, request, reservation, idempotency);
    const { isClaimed, reserved } = await this.database.runUntilKnown((isRepeated) =>
      isRepeated ? this.repeatReservation(reservation, write) : this.database.run(write),
    );
    const { row } = reserved;
    if (row) return { row, numberEntry, claim };
    if (claim && !isClaimed?.()) {
      return this.keys.findReplay(this.database, client, idempotency, now, 'verify');
    }
    return this.findRejection(pinId, request);
  }

  /** Counts an attempt for its number and its verification, or for neither, in one batch. */
  private writeReservation(
    batch: StatementBatch,
    { client, reference, now }: AttemptRequest,
    { pinId, numberEntry, claim }: { pinId: string; numberEntry: string; claim: IdempotencyClaim },
    idempotency: IdempotentRequest | undefined,
  ) {
    const target = { client, pinId };
    const { keyHash, runId } = claim;
    const isClaimed =
      idempotency &&
      this.keys.claim(batch, target, claim, idempotency, now, { rerunAfterCrash: true });
    // The row has one of these hashes at most: of the current secret or of an old one.
    for (const referenceHash of this.verifications.hashReference(reference)) {
      const attempt = { client, pinId, keyHash, runId, referenceHash };
      this.limits.reserveAttempt(batch, attempt, numberEntry, now);
    }
    const reserved = this.verifications.queries.reserveAttempt(batch, { pinId, numberEntry });
    if (idempotency) this.keys.queries.releaseIfUncounted(batch, { pinId, numberEntry, runId });
    return { isClaimed, reserved };
  }

  /** Counts an attempt, unless an earlier run has counted it. */
  private repeatReservation<R extends { reserved: DeferredResult<VerificationRow> }>(
    { pinId, numberEntry }: { pinId: string; numberEntry: string },
    write: (batch: StatementBatch) => R,
  ) {
    return this.database.transaction(async (transaction) => {
      // The lock waits for an earlier run that is still being committed.
      const reserved = await transaction.run((batch) => {
        this.verifications.queries.lock(batch, { pinId });
        return this.verifications.queries.readReserved(batch, { pinId, numberEntry });
      });
      if (!reserved.row) return transaction.run(write);
      return { isClaimed: () => true, reserved };
    });
  }

  /** Finds why an attempt was not reserved. */
  private async findRejection(
    pinId: string,
    { client, reference, now }: AttemptRequest,
  ): Promise<VerificationNotFound | VerificationClosed | LimitExceeded | SharedLimitExceeded> {
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
    const number = { numberHash: row.number_hash, client };
    return this.limits.findAttemptLimit(this.database, number, now);
  }
}
