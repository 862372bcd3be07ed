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
import { Database, type Executor } from './database.js';
import { IdempotencyKeys } from './idempotency-keys.js';
import { NumberLimits } from './number-limits.js';
import type { VerificationRow } from './schema.js';
import { attemptsRemaining, closureOf } from './standing.js';
import { TrafficCounts } from './traffic-counts.js';
import { VerificationRows } from './verification-rows.js';

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
      const repeated =
        keyed && (await this.keys.claim(executor, { client, pinId }, keyed, now, true));
      if (repeated) return repeated;
      const row = await this.count(executor, { ...asked, pinId });
      if (!row) return abort(await this.refusal(executor, { ...asked, pinId }));
      const { phoneNumber, providerPinId } = this.rows.open(row);
      const numberHash = await this.rows.hashOf(executor, phoneNumber, client);
      const taken = await this.limits.takeFailure(executor, numberHash, now);
      if (taken.outcome === 'limited') return abort(taken);
      const { entry } = taken;
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
    await this.database.transaction(async (executor) => {
      await this.rows.queries.returnAttempt(executor, { pinId });
      await this.forgive(executor, attempt);
      if (keyed) await this.keys.release(executor, attempt, keyed);
    });
  }

  async settle(attempt: Attempt, verdict: Verdict, now: number): Promise<Settlement> {
    const { pinId, keyed } = attempt;
    return this.database.transaction(async (executor) => {
      const [verified] =
        verdict === 'verified' ? await this.rows.queries.verify(executor, { pinId, now }) : [];
      const settlement = verified
        ? await this.open(executor, attempt, verified, now)
        : await this.close(executor, attempt, verdict, now);
      if (keyed) await this.keys.answer(executor, attempt, keyed, settlement);
      return settlement;
    });
  }

  /** The code has passed the gate: its number is known now, and its texts were for somebody. */
  private async open(
    executor: Executor,
    attempt: Attempt,
    row: VerificationRow,
    now: number,
  ): Promise<Settlement> {
    const numberHash = await this.numberHashOf(executor, attempt);
    await this.limits.verified(executor, numberHash, attempt.entry, now);
    await this.traffic.add(executor, row, { texts: 0, verified: row.texts });
    return { verified: true };
  }

  private async close(
    executor: Executor,
    attempt: Attempt,
    verdict: Verdict,
    now: number,
  ): Promise<Settlement> {
    const { pinId, client } = attempt;
    if (verdict === 'expired') await this.rows.queries.expire(executor, { pinId, now });
    if (verdict === 'exhausted') await this.rows.queries.spendAttempts(executor, { pinId });
    if (verdict !== 'wrong_code') await this.forgive(executor, attempt);
    const [row] = await this.rows.queries.read(executor, { pinId, client });
    if (!row) return { verified: false, reason: 'cancelled' };
    if (verdict === 'wrong_code' && row.status === 'pending' && now < row.expires_at) {
      return { verified: false, reason: 'wrong_code', attemptsRemaining: attemptsRemaining(row) };
    }
    return { verified: false, reason: closureOf(row, now) };
  }

  /** Takes the code out of the number's failures again. */
  private async forgive(executor: Executor, attempt: Attempt): Promise<void> {
    const numberHash = await this.numberHashOf(executor, attempt);
    await this.limits.returnFailure(executor, numberHash, attempt.entry);
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
