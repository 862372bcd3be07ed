import { Inject, Injectable } from '@nestjs/common';
import { providersConfig, type ProvidersConfig } from '../../config/providers.config.js';
import type {
  AttemptRejection,
  AttemptRequest,
  FinalRejection,
  UndecryptedAttempt,
} from '../attempt.types.js';
import { Database } from '../engines/database.js';
import type { DeferredResult, StatementBatch } from '../engines/statement-batch.js';
import type {
  ClaimedIdempotentRequest,
  IdempotentRequest,
  LostRequestRun,
} from '../idempotency.types.js';
import type { ClientLimits } from '../limit.types.js';
import { GuessLimits } from '../limits/guess-limits.js';
import { NumberLimitFinder } from '../limits/number-limit-finder.js';
import { NumberReservations } from '../limits/number-reservations.js';
import { createWindowEntry } from '../limits/sliding-window.js';
import { toNumberKey } from '../limits/window-predicates.js';
import type { AttemptedVerificationRow, VerificationRow } from '../migrations/schema.js';
import { IdempotencyKeyRepository, NO_CLAIM } from './idempotency-key.repository.js';
import { VerificationTable } from './verification-table.js';
import {
  acceptsCodes,
  getClosedReason,
  getCodeLength,
  hasLostAnswer,
} from './verification-status.js';

/** An attempt to count. */
interface AttemptReservation {
  readonly pinId: string;
  readonly numberEntry: string;
  readonly claim: ClaimedIdempotentRequest | undefined;
  /** The run that this attempt repeats, because its answer was lost. */
  readonly lost: LostRequestRun | undefined;
  /**
   * Whether the client has reached its limit of wrong codes. Then only the first code of a
   * verification is checked.
   */
  readonly isLimited: boolean;
}

/** Counts attempts before the provider checks the code. */
@Injectable()
export class AttemptRepository {
  constructor(
    private readonly database: Database,
    private readonly verifications: VerificationTable,
    private readonly reservations: NumberReservations,
    private readonly limitFinder: NumberLimitFinder,
    private readonly guesses: GuessLimits,
    private readonly keys: IdempotencyKeyRepository,
    @Inject(providersConfig.KEY) private readonly config: ProvidersConfig,
  ) {}

  /**
   * Counts an attempt, or finds why it is not counted. The repeat of a request whose answer was
   * lost is another attempt, which takes the idempotency key over.
   */
  async reserve(
    request: AttemptRequest,
    idempotency?: IdempotentRequest,
  ): Promise<UndecryptedAttempt | AttemptRejection> {
    const { selector, client, now } = request;
    const pinId = await this.verifications.findPinId(selector, client);
    if (idempotency) await this.keys.rehash(client, idempotency);
    const counted = await this.count(request, pinId, idempotency);
    if (counted || !idempotency) return counted ?? { outcome: 'running' };
    const earlier = await this.keys.findEarlierRequest(
      this.database,
      client,
      idempotency,
      now,
      'verify',
    );
    if (earlier.outcome !== 'ambiguous') return earlier;
    const repeated = await this.count(request, earlier.pinId, idempotency, earlier);
    return repeated ?? { outcome: 'running' };
  }

  /** @returns `undefined` if another run has claimed the idempotency key */
  private async count(
    request: AttemptRequest,
    pinId: string,
    idempotency: IdempotentRequest | undefined,
    lost?: LostRequestRun,
  ): Promise<UndecryptedAttempt | AttemptRejection | undefined> {
    await this.verifications.rehashVerification(pinId, request.client);
    const claim = idempotency && this.keys.createClaim(idempotency);
    // A repeat has the same code as the lost run: no further guess, so this limit does not apply.
    const isLimited =
      !lost && (await this.guesses.isUsedUp(request.client, request.now, request.limits));
    const numberEntry = createWindowEntry(request.now);
    const reservation = { pinId, numberEntry, claim, lost, isLimited };
    const write = (batch: StatementBatch) => this.writeReservation(batch, request, reservation);
    const { isClaimed, reserved } = await this.database.runUntilKnown((isRepeated) =>
      isRepeated ? this.repeatReservation(reservation, write) : this.database.run(write),
    );
    const { row } = reserved;
    if (row) return { row, numberEntry, claim, isRepeat: lost !== undefined };
    if (isClaimed && !isClaimed()) return undefined;
    return this.findRejection(request, reservation);
  }

  /** Counts an attempt for its number and its verification, or for neither, in one batch. */
  private writeReservation(
    batch: StatementBatch,
    { client, reference, codeLength, limits, now }: AttemptRequest,
    { pinId, numberEntry, claim, lost, isLimited }: AttemptReservation,
  ) {
    const { keyHash, runId } = claim ?? NO_CLAIM;
    const firstCodeOnly = isLimited ? 1 : 0;
    const isClaimed =
      claim &&
      (lost
        ? this.keys.takeOver(batch, client, claim, lost, now)
        : this.keys.claim(batch, { client, pinId }, claim, claim.idempotency, now));
    // At most one of these statements counts: the row has the hash of one secret, current or old.
    for (const referenceHash of this.verifications.hashReference(reference)) {
      const code = { referenceHash, codeLength, firstCodeOnly } as const;
      const attempt = { client, pinId, keyHash, runId, ...code };
      this.reservations.reserveAttempt(batch, attempt, numberEntry, now, limits);
    }
    const countsAsLostAt = now + this.config.maxRequestMs;
    // A repeat adds no unresolved check: that of the lost run is unresolved already.
    const attempt = { pinId, numberEntry, unresolved: lost ? 0 : 1, countsAsLostAt };
    const reserved = this.verifications.queries.reserveAttempt(batch, attempt);
    if (claim && !lost) this.keys.queries.releaseIfUncounted(batch, { pinId, numberEntry, runId });
    return { isClaimed, reserved };
  }

  /** Counts an attempt, unless an earlier run has counted it. */
  private repeatReservation<R extends { reserved: DeferredResult<AttemptedVerificationRow> }>(
    { pinId, numberEntry }: AttemptReservation,
    write: (batch: StatementBatch) => R,
  ) {
    return this.database.transaction(async (transaction) => {
      // The lock waits until an earlier run of this write is committed or rolled back.
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
    { client, reference, codeLength, limits, now }: AttemptRequest,
    { pinId, lost, isLimited, ...reservation }: AttemptReservation,
  ): Promise<UndecryptedAttempt | AttemptRejection> {
    // While the result is unknown, the key of a repeated request is kept.
    const claim = lost && reservation.claim;
    const getRow = await this.database.run((batch) => {
      if (claim) this.keys.queries.markAmbiguous(batch, { pinId, runId: claim.runId });
      return this.verifications.readSent(batch, pinId, client);
    });
    const row = getRow();
    if (!row) return { outcome: 'not_found' };
    if (!this.verifications.hashReference(reference).includes(row.reference_hash)) {
      return { outcome: 'closed', reason: 'reference_mismatch' };
    }
    const expectedLength = getCodeLength(row) ?? codeLength;
    if (expectedLength !== codeLength && acceptsCodes(row, now)) {
      return { outcome: 'wrong_length', codeLength: expectedLength };
    }
    const rejection = await this.findFinalRejection(row, isLimited, now, limits);
    const isRepeat = claim !== undefined;
    const mayBeRight = row.status === 'pending' || (row.status === 'unclaimed' && isRepeat);
    return mayBeRight && now < row.expires_at && hasLostAnswer(row, now, { isRepeat })
      ? { row, numberEntry: '', claim, isRepeat, rejection }
      : rejection;
  }

  /** Finds why a code of the right length and with the right reference is rejected. */
  private async findFinalRejection(
    row: VerificationRow,
    isLimited: boolean,
    now: number,
    limits: ClientLimits | undefined,
  ): Promise<FinalRejection> {
    if (!acceptsCodes(row, now)) {
      return { outcome: 'closed', reason: getClosedReason(row, now) };
    }
    const number = toNumberKey(row);
    const limit = await this.limitFinder.findAttemptLimit(this.database, number, now, limits);
    const isOwnLimit = limit.limit === 'failures' && limit.until > now;
    return isLimited && !isOwnLimit ? this.guesses.findLimit(row.client, now) : limit;
  }
}
