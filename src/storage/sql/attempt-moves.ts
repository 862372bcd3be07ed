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
        attempt: { pinId, client, phoneNumber, providerPinId, entry, keyed },
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
    const { keyed } = attempt;
    return this.database.transaction(async (executor) => {
      const settlement = await this.apply(executor, attempt, verdict, now);
      if (verdict !== 'wrong_code') await this.forgive(executor, attempt);
      if (keyed) await this.keys.answer(executor, attempt, keyed, settlement);
      return settlement;
    });
  }

  private async apply(
    executor: Executor,
    { pinId, client }: Attempt,
    verdict: Verdict,
    now: number,
  ): Promise<Settlement> {
    switch (verdict) {
      case 'verified':
        if ((await this.rows.queries.verify(executor, { pinId, now })).length > 0)
          return { verified: true };
        break;
      case 'expired':
        await this.rows.queries.expire(executor, { pinId, now });
        break;
      case 'exhausted':
        await this.rows.queries.spendAttempts(executor, { pinId });
        break;
      case 'wrong_code':
        break;
    }
    const [row] = await this.rows.queries.read(executor, { pinId, client });
    if (!row) return { verified: false, reason: 'cancelled' };
    if (verdict === 'wrong_code' && row.status === 'pending' && now < row.expires_at) {
      return { verified: false, reason: 'wrong_code', attemptsRemaining: attemptsRemaining(row) };
    }
    return { verified: false, reason: closureOf(row, now) };
  }

  /** Takes the code out of the number's failures again. */
  private async forgive(
    executor: Executor,
    { phoneNumber, client, entry }: Attempt,
  ): Promise<void> {
    const numberHash = await this.rows.hashOf(executor, phoneNumber, client);
    await this.limits.returnFailure(executor, numberHash, entry);
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
