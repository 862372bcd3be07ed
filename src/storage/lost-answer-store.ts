import { Injectable } from '@nestjs/common';
import { EventBus } from '../common/events.js';
import type { RequestContext } from '../common/request-context.js';
import type { Attempt } from './attempt.types.js';
import { Database } from './engines/database.js';
import { NumberLimits } from './limits/number-limits.js';
import { TrafficCounts } from './limits/traffic-counts.js';
import { measureOperation } from './measure-operation.js';
import { IdempotencyKeyRepository } from './repositories/idempotency-key.repository.js';
import { VerificationTable } from './repositories/verification-table.js';
import { WebhookEventRecorder } from './repositories/webhook-event-recorder.js';
import { toVerifiedResult } from './verified-result.js';

/**
 * Checks whose answers were lost. Their attempts stay counted until the provider tells the result.
 */
@Injectable()
export class LostAnswerStore {
  constructor(
    private readonly database: Database,
    private readonly verifications: VerificationTable,
    private readonly limits: NumberLimits,
    private readonly traffic: TrafficCounts,
    private readonly keys: IdempotencyKeyRepository,
    private readonly webhooks: WebhookEventRecorder,
    private readonly events: EventBus,
  ) {}

  /**
   * Keeps an attempt counted, because the answer to its check was lost. The client may repeat the
   * request; the next request first asks the provider for the result.
   */
  keepAttempt({ pinId, claim }: Attempt, now: number, context: RequestContext): Promise<void> {
    return measureOperation(this.events, 'keepAttempt', context, () =>
      this.database.runUntilCommitted(() =>
        this.database.run((batch) => {
          this.verifications.queries.markLost(batch, { pinId, now });
          if (claim) this.keys.queries.markAmbiguous(batch, { pinId, runId: claim.runId });
        }),
      ),
    );
  }

  /**
   * Records that the provider has verified a code of the verification, which then accepts no more
   * codes.
   * @param wasCheckRequested whether the provider was asked to check the attempt's code
   * @returns whether the attempt's code was the right one: no other check of the verification lacks
   * a result, and no other request has got `verified: true`
   */
  completeVerified(
    attempt: Attempt,
    wasCheckRequested: boolean,
    now: number,
    context: RequestContext,
  ): Promise<boolean> {
    return measureOperation(this.events, 'completeVerified', context, () =>
      this.complete(attempt, wasCheckRequested, now),
    );
  }

  private complete(attempt: Attempt, wasCheckRequested: boolean, now: number): Promise<boolean> {
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
