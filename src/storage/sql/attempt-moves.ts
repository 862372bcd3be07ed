import { Injectable } from '@nestjs/common';
import type { Verdict } from '../../common/verdict.js';
import type {
  Asked,
  Attempt,
  Closed,
  HeldKey,
  KeyedRequest,
  Leave,
  Limited,
  NotFound,
  Settlement,
} from '../verification-store.js';
import { Database } from './database.js';
import type { Transaction } from './engine.js';
import { newEntry } from './event-log.js';
import { IdempotencyKeys, NO_KEY } from './idempotency-keys.js';
import { NumberLimits } from './number-limits.js';
import type { VerificationRow } from './schema.js';
import { attemptsRemaining, closureOf, statusOf } from './standing.js';
import { TrafficCounts } from './traffic-counts.js';
import { VerificationRows } from './verification-rows.js';
import type { Executor } from './statement.js';

const NOT_FOUND: NotFound = { outcome: 'not_found' };
const VERIFIED: Settlement = { verified: true };

/** The moves of a code: counted before the provider is asked, settled or given back after. */
@Injectable()
export class AttemptMoves {
  constructor(
    private readonly database: Database,
    private readonly rows: VerificationRows,
    private readonly limits: NumberLimits,
    private readonly traffic: TrafficCounts,
    private readonly keys: IdempotencyKeys,
  ) {}

  async takeAttempt(asked: Asked, keyed?: KeyedRequest): Promise<Leave> {
    const { client, now } = asked;
    const { pinId, key, claimed, entry, row } = await this.database.transaction((transaction) =>
      this.count(transaction, asked, keyed),
    );
    if (row) return { outcome: 'granted', attempt: this.attemptOf(row, entry, keyed && key) };
    return this.database.transaction<Leave>((transaction) =>
      keyed && !claimed
        ? this.keys.repeated(transaction, client, key, keyed, now)
        : this.refusal(transaction, pinId, asked),
    );
  }

  async returnAttempt(attempt: Attempt): Promise<void> {
    const { pinId, key } = attempt;
    await this.database.transaction(async (transaction) => {
      const numberHash = await this.numberHashOf(transaction, attempt);
      const returning = Promise.all([
        this.rows.queries.returnAttempt(transaction, { pinId }),
        this.limits.returnFailure(transaction, numberHash, attempt.entry),
        key && this.keys.release(transaction, attempt, key),
      ]);
      transaction.commitBehind();
      await returning;
    });
  }

  async settle(attempt: Attempt, verdict: Verdict, now: number): Promise<Settlement> {
    if (verdict === 'verified' && (await this.pass(attempt, now))) return VERIFIED;
    return this.close(attempt, verdict, now);
  }

  /** The race gate, and what comes of passing it. */
  private pass(attempt: Attempt, now: number): Promise<boolean> {
    const { pinId, client, country, prefixHash, createdAt, entry, key } = attempt;
    return this.database.transaction(async (transaction) => {
      const numberHash = await this.numberHashOf(transaction, attempt);
      const counted = { client, country, prefix_hash: prefixHash, created_at: createdAt };
      // The gate comes last, since the others ask whether it is still open.
      const passing = Promise.all([
        this.limits.verified(transaction, numberHash, { pinId, entry, now }),
        this.traffic.addVerified(transaction, counted, { pinId, now }),
        key && this.keys.answerVerified(transaction, attempt, key, VERIFIED, now),
        this.rows.queries.verify(transaction, { pinId, now }),
      ]);
      transaction.commitBehind();
      const [, , , passed] = await passing;
      return passed.length > 0;
    });
  }

  /** The code opens nothing. */
  private close(attempt: Attempt, verdict: Verdict, now: number): Promise<Settlement> {
    const { pinId, client, entry, key } = attempt;
    return this.database.transaction(async (transaction) => {
      const numberHash = await this.numberHashOf(transaction, attempt);
      const closing = Promise.all([
        verdict === 'expired' && this.rows.queries.expire(transaction, { pinId, now }),
        verdict === 'exhausted' && this.rows.queries.spendAttempts(transaction, { pinId }),
        // Only a wrong code is a failure of its number.
        verdict !== 'wrong_code' && this.limits.returnFailure(transaction, numberHash, entry),
        this.rows.queries.read(transaction, { pinId, client }),
      ]);
      if (!key) transaction.commitBehind();
      const [, , , [row]] = await closing;
      const settlement = settlementOf(row, verdict, now);
      if (key) {
        const answering = this.keys.answer(transaction, attempt, key, settlement);
        transaction.commitBehind();
        await answering;
      }
      return settlement;
    });
  }

  private numberHashOf(executor: Executor, { phoneNumber, client }: Attempt): Promise<string> {
    return this.rows.hashOf(executor, phoneNumber, client);
  }

  /**
   * Counts a code against its number and its verification, or against neither. None of the statements
   * waits for another's answer: what must not come about without another asks for it.
   */
  private async count(
    transaction: Transaction,
    { which, client, reference, now }: Asked,
    keyed: KeyedRequest | undefined,
  ) {
    const pinId = await this.rows.pinIdOf(transaction, which, client);
    await this.rows.renew(transaction, pinId, client);
    const key = keyed ? await this.keys.newRun(transaction, client, keyed) : NO_KEY;
    const entry = newEntry(now);
    const { keyHash, run } = key;
    const counting = Promise.all([
      keyed && this.keys.claim(transaction, { client, pinId }, key, keyed, now, true),
      Promise.all(
        this.rows.referenceHashes(reference).map((referenceHash) => {
          const brought = { pinId, client, referenceHash, keyHash, run };
          return this.limits.takeFailure(transaction, brought, entry, now);
        }),
      ),
      this.rows.queries.takeAttempt(transaction, { pinId, entry }),
      keyed && this.keys.releaseUncounted(transaction, { client, pinId }, key, entry),
    ]);
    transaction.commitBehind();
    const [claimed, , [row]] = await counting;
    return { pinId, key, claimed, entry, row };
  }

  private attemptOf(row: VerificationRow, entry: string, key: HeldKey | undefined): Attempt {
    return {
      pinId: row.pin_id,
      client: row.client,
      country: row.country,
      channel: row.channel,
      provider: row.provider,
      entry,
      prefixHash: row.prefix_hash,
      createdAt: row.created_at,
      key,
      ...this.rows.open(row),
    };
  }

  /** Why a code was not counted. */
  private async refusal(
    executor: Executor,
    pinId: string,
    { client, reference, now }: Asked,
  ): Promise<NotFound | Closed | Limited> {
    const row = await this.rows.taken(executor, pinId, client);
    if (!row) return NOT_FOUND;
    if (!this.rows.referenceHashes(reference).includes(row.reference_hash)) {
      return { outcome: 'closed', reason: 'reference_mismatch' };
    }
    if (statusOf(row, now) !== 'pending') {
      return { outcome: 'closed', reason: closureOf(row, now) };
    }
    return this.limits.noFailure(executor, row.number_hash, now);
  }
}

function settlementOf(row: VerificationRow | undefined, verdict: Verdict, now: number): Settlement {
  if (!row) return { verified: false, reason: 'cancelled' };
  if (verdict === 'wrong_code' && row.status === 'pending' && now < row.expires_at) {
    return { verified: false, reason: 'wrong_code', attemptsRemaining: attemptsRemaining(row) };
  }
  return { verified: false, reason: closureOf(row, now) };
}
