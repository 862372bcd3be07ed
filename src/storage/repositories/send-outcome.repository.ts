import { Injectable } from '@nestjs/common';
import { Database } from '../engines/database.js';
import type { StatementBatch } from '../engines/statement-batch.js';
import type {
  DestinationSuspended,
  LimitExceeded,
  SharedBudgetExceeded,
  TrafficEvaluator,
} from '../limit.types.js';
import { SendLimitFinder } from '../limits/send-limit-finder.js';
import { SendLimits, type UncheckedSend } from '../limits/send-limits.js';
import type {
  FailedSendOutcome,
  ConfirmOutcome,
  SendAdmitted,
  SendReservation,
  SendResult,
} from '../send.types.js';
import { IdempotencyKeyRepository } from './idempotency-key.repository.js';
import { MessageRepository } from './message.repository.js';
import { prepareOutcomeQueries } from './send-queries.js';
import { VerificationTable } from './verification-table.js';
import { WebhookEventRecorder } from './webhook-event-recorder.js';

/**
 * Admits counted sends, and confirms or releases them after the provider was called. An outcome is
 * written until it is committed, so each write has the same result when an earlier run of it was
 * committed.
 */
@Injectable()
export class SendOutcomeRepository {
  private readonly queries;

  constructor(
    private readonly database: Database,
    private readonly verifications: VerificationTable,
    private readonly limits: SendLimits,
    private readonly limitFinder: SendLimitFinder,
    private readonly keys: IdempotencyKeyRepository,
    private readonly webhooks: WebhookEventRecorder,
    private readonly messages: MessageRepository,
  ) {
    this.queries = prepareOutcomeQueries(database);
  }

  /** Checks a counted send against the budgets, and releases it if it exceeds one. */
  async checkBudgets(
    { reservation, send, reserved, traffic }: UncheckedSend,
    evaluate: TrafficEvaluator | undefined,
  ): Promise<SendAdmitted | LimitExceeded | SharedBudgetExceeded | DestinationSuspended> {
    const violation = traffic && this.limitFinder.checkBudgets(send, reserved, traffic, evaluate);
    if (typeof violation !== 'string' && !violation?.enforced) {
      return { outcome: 'admitted', reservation, violation };
    }
    await this.release(reservation, []);
    const { phoneNumber, country } = reservation;
    const { limitFinder: finder, database } = this;
    const limit = await finder.findSuspension(database, send, phoneNumber, violation);
    return Object.assign(limit, { country });
  }

  /** Confirms the send of a new code. `ResendConfirmations` confirms resends. */
  async confirm(
    reservation: SendReservation,
    sent: SendResult,
    response: unknown,
  ): Promise<ConfirmOutcome> {
    const { provider, pinId: providerPinId, codeLength = 0, possiblySentBy } = sent;
    const { pinId, client, claim } = reservation;
    const sealed = this.verifications.encrypt(reservation, providerPinId);
    const message = this.messages.toTracked(sent);
    const write = (batch: StatementBatch) => {
      this.queries.supersede(batch, { pinId, client });
      const accepted = { pinId, provider, sealed, codeLength, ...message };
      const result = this.queries.confirm(batch, accepted);
      this.webhooks.addSuperseded(batch, pinId);
      this.verifications.addPossiblySentBy(batch, pinId, possiblySentBy);
      const stored = claim && this.keys.encryptResponse(reservation, claim, response);
      if (stored) this.keys.queries.storeIfConfirmed(batch, { sealed, ...stored });
      return result;
    };
    return this.database.runUntilCommitted(async (isRepeated) => {
      const { row } = await this.database.run(write);
      const isConfirmed = row ?? (isRepeated && (await this.hasProviderPin(reservation)));
      return isConfirmed ? 'confirmed' : 'not_found';
    });
  }

  async release(reservation: SendReservation, outcome: FailedSendOutcome): Promise<void> {
    await this.database.runUntilCommitted(() =>
      outcome !== 'unreachable' && outcome.length > 0
        ? this.fail(reservation, outcome)
        : this.releaseUnsent(reservation, outcome === 'unreachable'),
    );
  }

  /**
   * Whether the verification exists and has a provider's PIN id. A send gets one only from a run of
   * {@link confirm}.
   */
  private async hasProviderPin({ pinId, client }: SendReservation): Promise<boolean> {
    const getRow = await this.database.run((batch) =>
      this.verifications.readSent(batch, pinId, client),
    );
    return getRow() !== undefined;
  }

  private async fail(
    { pinId, claim, resendOf }: SendReservation,
    possiblySentBy: readonly string[],
  ): Promise<void> {
    await this.database.run((batch) => {
      this.verifications.addPossiblySentBy(batch, pinId, possiblySentBy);
      if (!resendOf) this.queries.fail(batch, { pinId });
      if (claim) this.keys.queries.markAmbiguous(batch, { pinId, runId: claim.runId });
    });
  }

  private async releaseUnsent(reservation: SendReservation, isUnreachable: boolean): Promise<void> {
    const { pinId, client, phoneNumber, claim, resendOf } = reservation;
    await this.database.transaction<undefined>(async (transaction, rollback) => {
      const remove = resendOf ? this.queries.removeResend : this.queries.delete;
      const { row } = await transaction.run((batch) => remove(batch, { pinId }));
      await this.verifications.rehashNumber(transaction, phoneNumber, client);
      const numberHash = this.verifications.hashNumber(phoneNumber);
      const wasCounted = await transaction.run((batch) => {
        if (claim) this.keys.queries.release(batch, { pinId, runId: claim.runId });
        return this.limits.release(batch, reservation, numberHash, row, isUnreachable);
      });
      // An earlier run has released it.
      return wasCounted() ? undefined : rollback(undefined);
    });
  }
}
