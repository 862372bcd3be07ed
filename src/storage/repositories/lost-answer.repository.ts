import { Injectable } from '@nestjs/common';
import type { Attempt } from '../attempt.types.js';
import { Database } from '../engines/database.js';
import { NumberLimits } from '../limits/number-limits.js';
import { TrafficCounts } from '../limits/traffic-counts.js';
import { toVerifiedResult } from '../verified-result.js';
import { IdempotencyKeyRepository } from './idempotency-key.repository.js';
import { VerificationTable } from './verification-table.js';
import { WebhookEventRecorder } from './webhook-event-recorder.js';

/** Stores the results of checks whose answers were lost. */
@Injectable()
export class LostAnswerRepository {
  constructor(
    private readonly database: Database,
    private readonly verifications: VerificationTable,
    private readonly limits: NumberLimits,
    private readonly traffic: TrafficCounts,
    private readonly keys: IdempotencyKeyRepository,
    private readonly webhooks: WebhookEventRecorder,
  ) {}

  /** Keeps an attempt counted, and lets the client repeat its request. */
  async keep({ pinId, claim }: Attempt, now: number): Promise<void> {
    await this.database.runUntilCommitted(() =>
      this.database.run((batch) => {
        this.verifications.queries.markLost(batch, { pinId, now });
        if (claim) this.keys.queries.markAmbiguous(batch, { pinId, runId: claim.runId });
      }),
    );
  }

  /**
   * Records that the provider has verified a code of the verification.
   * @param wasCheckRequested whether the provider was asked to check the attempt's code
   * @returns whether that code was the right one: no other check of the verification lacks a result
   */
  async complete(attempt: Attempt, wasCheckRequested: boolean, now: number): Promise<boolean> {
    return this.database.runUntilCommitted((isRepeated) =>
      this.database.transaction(async (transaction) => {
        const { pinId, client, numberHash, numberEntry, claim } = attempt;
        // Waits until an earlier run of this write is committed or rolled back.
        const locked = await transaction.run((batch) =>
          this.verifications.queries.lock(batch, { pinId }),
        );
        if (isRepeated && (await this.verifications.wasVerifiedBy(transaction, attempt, now)))
          return true;
        const { row } = locked;
        if (!row || now >= row.expires_at) return false;
        const isOpen = row.status === 'pending';
        const isOnly = wasCheckRequested && row.unresolved === 1;
        const isRight = isOnly && (isOpen || row.status === 'unclaimed');
        await transaction.run((batch) => {
          // A right code no longer counts as wrong.
          const entry = isRight ? numberEntry : '';
          this.limits.queries.recordVerified(batch, { numberHash, client, entry, pinId, now });
          this.traffic.queries.addVerified(batch, { pinId, now });
          this.webhooks.addVerified(batch, pinId, now);
          if (isRight && claim) {
            const stored = this.keys.encryptResponse(attempt, claim, toVerifiedResult(attempt));
            this.keys.queries.store(batch, stored);
          }
          if (isRight) this.verifications.queries.verify(batch, { pinId, now, resolved: 1 });
          else this.verifications.queries.markUnclaimed(batch, { pinId, now });
        });
        return isRight;
      }),
    );
  }
}
