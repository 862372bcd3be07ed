import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { Database } from '../engines/database.js';
import type { VerificationRow } from '../migrations/schema.js';
import type { ConfirmOutcome, SendReservation, SendResult } from '../send.types.js';
import { IdempotencyKeyRepository } from './idempotency-key.repository.js';
import type { ReportedMessage } from './message-queries.js';
import { MessageRepository } from './message.repository.js';
import { prepareResendQueries } from './send-queries.js';
import { acceptsCodes } from './verification-status.js';
import { VerificationTable } from './verification-table.js';

type AcceptedResend = ReturnType<ResendConfirmations['toAccepted']>;

/** The outcome, and the messages that the resend replaces, if their reports were linked just now. */
interface ConfirmedResend {
  readonly outcome: ConfirmOutcome;
  readonly linked: readonly ReportedMessage[];
}

/**
 * Confirms resends that a provider accepted. A write is repeated until it is committed, so it has the
 * same result if an earlier run of it was committed.
 */
@Injectable()
export class ResendConfirmations {
  private readonly queries;

  constructor(
    private readonly database: Database,
    private readonly verifications: VerificationTable,
    private readonly keys: IdempotencyKeyRepository,
    private readonly messages: MessageRepository,
    private readonly clock: Clock,
  ) {
    this.queries = prepareResendQueries(database);
  }

  /**
   * Replaces the code of a verification, unless a resend that was requested later has replaced it.
   * @param reservedFor the code when the resend was reserved: its encrypted PIN id, as stored
   * @returns `confirmed` only if the newest code can be verified now
   */
  async confirm(
    reservation: SendReservation,
    reservedFor: string,
    sent: SendResult,
    response: unknown,
  ): Promise<ConfirmedResend> {
    const { pinId, client } = reservation;
    const resend = this.toAccepted(reservation, sent, response);
    const linked: ReportedMessage[] = [];
    const outcome = await this.database.runUntilCommitted<ConfirmOutcome>(async (isRepeated) => {
      for (let replaced = reservedFor; ;) {
        const { added, confirmed } = await this.replaceCode(resend, replaced);
        linked.push(...(added?.rows ?? []));
        if (confirmed.row) return this.complete(resend, confirmed.row);
        const getRow = await this.database.run((batch) =>
          this.verifications.readSent(batch, pinId, client),
        );
        const row = getRow();
        if (!row) return 'not_found';
        // An earlier run was committed, and the verification has ended since then.
        if (row.sealed === resend.sealed) return 'confirmed';
        if (row.status !== 'pending' || this.isNewer(row, reservation)) {
          return this.complete(resend, row, { isEarlierSend: !isRepeated });
        }
        // An earlier resend was confirmed after this one was reserved.
        replaced = row.sealed;
      }
    });
    return { outcome, linked };
  }

  private toAccepted(reservation: SendReservation, sent: SendResult, response: unknown) {
    const { pinId, channel, claim } = reservation;
    const { provider, codeLength = 0, possiblySentBy } = sent;
    const sealed = this.verifications.encrypt(reservation, sent.pinId);
    const message = this.messages.toTracked(sent);
    const code = { pinId, provider, channel, sealed, codeLength, ...message };
    const stored = claim && this.keys.encryptResponse(reservation, claim, response);
    return { possiblySentBy, stored, now: this.clock.now(), ...code };
  }

  /** Keeps the code of the verification if it has another one than `replaced` by now. */
  private replaceCode(resend: AcceptedResend, replaced: string) {
    const { pinId, possiblySentBy, sealed, stored, now } = resend;
    return this.database.run((batch) => {
      const added = this.messages.addReplaced(batch, pinId);
      const confirmed = this.queries.confirmResend(batch, { replaced, ...resend });
      this.verifications.addPossiblySentBy(batch, pinId, possiblySentBy);
      if (stored) this.keys.queries.storeIfVerifiable(batch, { sealed, now, ...stored });
      return { added, confirmed };
    });
  }

  /** Whether the code of a verification is that of a resend that was requested later. */
  private isNewer(row: VerificationRow, { requestedAt }: SendReservation): boolean {
    const fields = this.verifications.decrypt(row);
    return !('outcome' in fields) && (fields.requestedAt ?? 0) > requestedAt;
  }

  /**
   * Completes a resend whose verification has its code or a newer one, or has ended.
   * @param isEarlierSend whether to count it among the sends before the last one
   */
  private async complete(
    { pinId, provider, channel, sealed, stored, now }: AcceptedResend,
    row: VerificationRow,
    { isEarlierSend } = { isEarlierSend: false },
  ): Promise<ConfirmOutcome> {
    const isVerifiable = acceptsCodes(row, now);
    // `replaceCode` has stored the response.
    if (isVerifiable && row.sealed === sealed) return 'confirmed';
    await this.database.run((batch) => {
      if (isEarlierSend) this.queries.addEarlierSend(batch, { pinId, provider, channel });
      if (stored && isVerifiable) this.keys.queries.store(batch, stored);
      else if (stored) this.keys.queries.markAmbiguous(batch, stored);
    });
    return isVerifiable ? 'confirmed' : 'not_resendable';
  }
}
