import { Injectable } from '@nestjs/common';
import type { Verdict } from '../../common/verdict.js';
import type {
  Asked,
  Attempt,
  KeyedRequest,
  Leave,
  NotFound,
  Settlement,
} from '../verification-store.js';
import { Database } from './database.js';
import { newEntry } from './event-log.js';
import { IdempotencyKeys } from './idempotency-keys.js';
import { NumberLimits } from './number-limits.js';
import type { VerificationRow } from './schema.js';
import { attemptsRemaining, closureOf, statusOf } from './standing.js';
import { TrafficCounts } from './traffic-counts.js';
import { VerificationRows } from './verification-rows.js';
import type { Executor } from './statement.js';

/** Once it is known which verification is meant. */
type AskedOf = Omit<Asked, 'which'> & { readonly pinId: string };

/** A code for a verification, with all that its reference may be stored as. */
interface CodeOf {
  readonly pinId: string;
  readonly client: string;
  readonly hashes: readonly string[];
  readonly now: number;
}

/** A verification with a code counted, and the code's entry in the log of its number. */
interface CountedCode {
  readonly row: VerificationRow;
  readonly entry: string;
}

type Taken = Leave | { readonly outcome: 'refused'; readonly pinId: string };

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
    const { which, client, now } = asked;
    const taken = await this.database.transaction<Taken>(async (transaction, abort) => {
      const pinId = await this.rows.pinIdOf(transaction, which, client);
      await this.rows.renew(transaction, pinId, client);
      const hashes = this.rows.referenceHashes(asked.reference);
      const claiming = keyed && this.keys.claim(transaction, { client, pinId }, keyed, now, true);
      const counting = this.count(transaction, { pinId, client, hashes, now });
      // It counts or does nothing, so nothing has to be undone but a claim.
      if (!keyed && hashes.length === 1) transaction.commitBehind();
      const [repeated, counted] = await Promise.all([claiming, counting]);
      if (repeated) return abort(repeated);
      if (counted) return { outcome: 'granted', attempt: this.attemptOf(counted, keyed) };
      const refused = { outcome: 'refused', pinId } as const;
      return keyed ? abort(refused) : refused;
    });
    if (taken.outcome !== 'refused') return taken;
    return this.refusal({ pinId: taken.pinId, ...asked });
  }

  async returnAttempt(attempt: Attempt): Promise<void> {
    const { pinId, keyed } = attempt;
    await this.database.transaction(async (transaction) => {
      const numberHash = await this.numberHashOf(transaction, attempt);
      const returning = Promise.all([
        this.rows.queries.returnAttempt(transaction, { pinId }),
        this.limits.returnFailure(transaction, numberHash, attempt.entry),
        keyed && this.keys.release(transaction, attempt, keyed),
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
    const { pinId, client, country, prefixHash, createdAt, entry, keyed } = attempt;
    return this.database.transaction(async (transaction) => {
      const numberHash = await this.numberHashOf(transaction, attempt);
      const counted = { client, country, prefix_hash: prefixHash, created_at: createdAt };
      // The gate comes last, since the others ask whether it is still open.
      const passing = Promise.all([
        this.limits.verified(transaction, numberHash, { pinId, entry, now }),
        this.traffic.addVerified(transaction, counted, { pinId, now }),
        keyed && this.keys.answerVerified(transaction, attempt, keyed, VERIFIED, now),
        this.rows.queries.verify(transaction, { pinId, now }),
      ]);
      transaction.commitBehind();
      const [, , , passed] = await passing;
      return passed.length > 0;
    });
  }

  /** The code opens nothing. */
  private close(attempt: Attempt, verdict: Verdict, now: number): Promise<Settlement> {
    const { pinId, client, entry, keyed } = attempt;
    return this.database.transaction(async (transaction) => {
      const numberHash = await this.numberHashOf(transaction, attempt);
      const closing = Promise.all([
        verdict === 'expired' && this.rows.queries.expire(transaction, { pinId, now }),
        verdict === 'exhausted' && this.rows.queries.spendAttempts(transaction, { pinId }),
        // Only a wrong code is a failure of its number.
        verdict !== 'wrong_code' && this.limits.returnFailure(transaction, numberHash, entry),
        this.rows.queries.read(transaction, { pinId, client }),
      ]);
      if (!keyed) transaction.commitBehind();
      const [, , , [row]] = await closing;
      const settlement = settlementOf(row, verdict, now);
      if (keyed) {
        const answering = this.keys.answer(transaction, attempt, keyed, settlement);
        transaction.commitBehind();
        await answering;
      }
      return settlement;
    });
  }

  private numberHashOf(executor: Executor, { phoneNumber, client }: Attempt): Promise<string> {
    return this.rows.hashOf(executor, phoneNumber, client);
  }

  /** Counts a code against its number and its verification, or against neither. */
  private async count(
    executor: Executor,
    { pinId, client, hashes, now }: CodeOf,
  ): Promise<CountedCode | undefined> {
    const entry = newEntry(now);
    for (const referenceHash of hashes) {
      const [, [row]] = await Promise.all([
        this.limits.takeFailure(executor, { pinId, client, referenceHash }, entry, now),
        this.rows.queries.takeAttempt(executor, { pinId, entry }),
      ]);
      if (row) return { row, entry };
    }
    return undefined;
  }

  private attemptOf({ row, entry }: CountedCode, keyed: KeyedRequest | undefined): Attempt {
    return {
      pinId: row.pin_id,
      client: row.client,
      country: row.country,
      channel: row.channel,
      provider: row.provider,
      entry,
      prefixHash: row.prefix_hash,
      createdAt: row.created_at,
      keyed,
      ...this.rows.open(row),
    };
  }

  /** Why a code was not counted. */
  private refusal({ pinId, client, reference, now }: AskedOf): Promise<Leave> {
    return this.database.transaction<Leave>(async (transaction) => {
      const row = await this.rows.taken(transaction, pinId, client);
      if (!row) return NOT_FOUND;
      if (!this.rows.referenceHashes(reference).includes(row.reference_hash)) {
        return { outcome: 'closed', reason: 'reference_mismatch' };
      }
      if (statusOf(row, now) !== 'pending') {
        return { outcome: 'closed', reason: closureOf(row, now) };
      }
      return this.limits.noFailure(transaction, row.number_hash, now);
    });
  }
}

function settlementOf(row: VerificationRow | undefined, verdict: Verdict, now: number): Settlement {
  if (!row) return { verified: false, reason: 'cancelled' };
  if (verdict === 'wrong_code' && row.status === 'pending' && now < row.expires_at) {
    return { verified: false, reason: 'wrong_code', attemptsRemaining: attemptsRemaining(row) };
  }
  return { verified: false, reason: closureOf(row, now) };
}
