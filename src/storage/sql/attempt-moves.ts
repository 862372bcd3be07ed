import { Injectable } from '@nestjs/common';
import type { Verdict } from '../../common/verdict.js';
import type {
  Asked,
  Attempt,
  Closed,
  KeyedRequest,
  Leave,
  NotFound,
  Settlement,
} from '../verification-store.js';
import { Database } from './database.js';
import { IdempotencyKeys } from './idempotency-keys.js';
import { NumberLimits } from './number-limits.js';
import type { VerificationRow } from './schema.js';
import { attemptsRemaining, closureOf } from './standing.js';
import { TrafficCounts } from './traffic-counts.js';
import { VerificationRows } from './verification-rows.js';
import type { Executor } from './statement.js';

/** Once it is known which verification is meant. */
type AskedOf = Omit<Asked, 'which'> & { readonly pinId: string };

const NOT_FOUND: NotFound = { outcome: 'not_found' };

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
    return this.database.transaction<Leave>(async (executor, abort) => {
      const pinId = await this.rows.pinIdOf(executor, asked.which, client);
      await this.rows.renew(executor, pinId, client);
      const [repeated, row, entry] = await Promise.all([
        keyed && this.keys.claim(executor, { client, pinId }, keyed, now, true),
        this.count(executor, { pinId, ...asked }),
        this.limits.takeFailure(executor, { pinId, client }, now),
      ]);
      if (repeated) return abort(repeated);
      if (!row) return abort(await this.refusal(executor, { pinId, ...asked }));
      if (entry === undefined) {
        return abort(await this.limits.noFailure(executor, row.number_hash, now));
      }
      const { phoneNumber, providerPinId } = this.rows.open(row);
      return {
        outcome: 'granted',
        attempt: {
          pinId,
          client,
          phoneNumber,
          country: row.country,
          channel: row.channel,
          provider: row.provider,
          providerPinId,
          entry,
          keyed,
        },
      };
    });
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
    const { pinId } = attempt;
    return this.database.transaction(async (transaction) => {
      const numberHash = await this.numberHashOf(transaction, attempt);
      const [verified] =
        verdict === 'verified' ? await this.rows.queries.verify(transaction, { pinId, now }) : [];
      const settlement: Settlement = verified
        ? { verified: true }
        : await this.close(transaction, attempt, { verdict, numberHash, now });
      const writing = Promise.all([
        verified && this.limits.verified(transaction, numberHash, attempt.entry, now),
        verified && this.traffic.add(transaction, verified, { texts: 0, verified: verified.texts }),
        attempt.keyed && this.keys.answer(transaction, attempt, attempt.keyed, settlement),
      ]);
      transaction.commitBehind();
      await writing;
      return settlement;
    });
  }

  /** The code opens nothing. */
  private async close(
    executor: Executor,
    { pinId, client, entry }: Attempt,
    { verdict, numberHash, now }: { verdict: Verdict; numberHash: string; now: number },
  ): Promise<Settlement> {
    const [, , , [row]] = await Promise.all([
      verdict === 'expired' && this.rows.queries.expire(executor, { pinId, now }),
      verdict === 'exhausted' && this.rows.queries.spendAttempts(executor, { pinId }),
      // Only a wrong code is a failure of its number.
      verdict !== 'wrong_code' && this.limits.returnFailure(executor, numberHash, entry),
      this.rows.queries.read(executor, { pinId, client }),
    ]);
    if (!row) return { verified: false, reason: 'cancelled' };
    if (verdict === 'wrong_code' && row.status === 'pending' && now < row.expires_at) {
      return { verified: false, reason: 'wrong_code', attemptsRemaining: attemptsRemaining(row) };
    }
    return { verified: false, reason: closureOf(row, now) };
  }

  private numberHashOf(executor: Executor, { phoneNumber, client }: Attempt): Promise<string> {
    return this.rows.hashOf(executor, phoneNumber, client);
  }

  private async count(executor: Executor, asked: AskedOf): Promise<VerificationRow | undefined> {
    const { pinId, client, now } = asked;
    for (const referenceHash of this.rows.referenceHashes(asked.reference)) {
      const [row] = await this.rows.queries.takeAttempt(executor, {
        pinId,
        client,
        referenceHash,
        now,
      });
      if (row) return row;
    }
    return undefined;
  }

  private async refusal(executor: Executor, asked: AskedOf): Promise<Closed | NotFound> {
    const row = await this.rows.taken(executor, asked.pinId, asked.client);
    if (!row) return NOT_FOUND;
    if (!this.rows.referenceHashes(asked.reference).includes(row.reference_hash)) {
      return { outcome: 'closed', reason: 'reference_mismatch' };
    }
    return { outcome: 'closed', reason: closureOf(row, asked.now) };
  }
}
