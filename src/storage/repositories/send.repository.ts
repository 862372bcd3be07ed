import { Injectable } from '@nestjs/common';
import { Database } from '../engines/database.js';
import type { Executor, StatementBatch } from '../engines/statement-batch.js';
import type { IdempotentRequest } from '../idempotency.types.js';
import type { DestinationSuspended, LimitExceeded, TrafficEvaluator } from '../limit.types.js';
import { SendLimits, type CountedSend, type ReservedSend } from '../limits/send-limits.js';
import type { SendTraffic } from '../limits/traffic-counts.js';
import type {
  NewVerification,
  ResendAdmission,
  ResendRequest,
  SendAdmission,
  SendAdmitted,
  SendReservation,
  SendResult,
} from '../send.types.js';
import { IdempotencyKeyRepository, NO_CLAIM } from './idempotency-key.repository.js';
import { prepareSendQueries } from './send-queries.js';
import { VerificationTable } from './verification-table.js';

/** A send that is counted, but not yet checked against the budgets. */
interface UncheckedSend {
  readonly reservation: SendReservation;
  readonly send: CountedSend;
  readonly reserved: ReservedSend;
  readonly traffic: SendTraffic | undefined;
}

/** A run that may have sent a message is never repeated. */
const NO_RERUN = { rerunAfterCrash: false };

/** Sends: reserved before the provider is called, confirmed or released after. */
@Injectable()
export class SendRepository {
  private readonly queries;

  constructor(
    private readonly database: Database,
    private readonly verifications: VerificationTable,
    private readonly limits: SendLimits,
    private readonly keys: IdempotencyKeyRepository,
  ) {
    this.queries = prepareSendQueries(database);
  }

  async reserve(
    verification: NewVerification,
    idempotency?: IdempotentRequest,
    evaluate?: TrafficEvaluator,
  ): Promise<SendAdmission> {
    const { client, phoneNumber, channel, createdAt: now } = verification;
    await this.verifications.rehashNumber(this.database, phoneNumber, client);
    if (idempotency) await this.keys.rehash(this.database, client, idempotency);
    const claim = idempotency && this.keys.createClaim(idempotency);
    const row = this.verifications.toNewRow(verification);
    const send = this.limits.toCountedSend(row, claim ?? NO_CLAIM, now);
    const written = await this.database.run((batch) => this.writeSend(batch, send, idempotency));
    if (idempotency && !written.isClaimed?.()) {
      return this.keys.findReplay(this.database, client, idempotency, now, 'send');
    }
    const reserved = written.reserved();
    if (!reserved || !written.inserted.row) return this.limits.findLimit(this.database, send);
    const delivery = { phoneNumber, channel, claim, pinToResend: undefined };
    const reservation = toReservation(send, delivery);
    const traffic = written.traffic?.();
    return this.checkBudgets({ reservation, send, reserved, traffic }, evaluate);
  }

  async reserveResend(
    { pinId, client, channel, now }: ResendRequest,
    idempotency?: IdempotentRequest,
    evaluate?: TrafficEvaluator,
  ): Promise<ResendAdmission> {
    if (idempotency) await this.keys.rehash(this.database, client, idempotency);
    const counted = await this.database.transaction<
      UncheckedSend | Exclude<ResendAdmission, SendAdmitted>
    >(async (transaction, rollback) => {
      const claim = idempotency && this.keys.createClaim(idempotency);
      const { isClaimed, resend } = await transaction.run((batch) => ({
        isClaimed:
          claim && this.keys.claim(batch, { client, pinId }, claim, idempotency, now, NO_RERUN),
        resend: this.queries.addResend(batch, { pinId, client, now }),
      }));
      if (claim && !isClaimed?.()) {
        return rollback(await this.keys.findReplay(transaction, client, idempotency, now, 'send'));
      }
      if (!resend.row) return rollback(await this.findRejection(transaction, pinId, client));
      const fields = this.verifications.decrypt(resend.row);
      if ('outcome' in fields) return rollback(fields);
      const { phoneNumber } = fields;
      await this.verifications.rehashNumber(transaction, phoneNumber, client);
      const number_hash = this.verifications.hashNumber(phoneNumber);
      const row = Object.assign(resend.row, { number_hash });
      const send = this.limits.toCountedSend(row, claim ?? NO_CLAIM, now);
      const results = await transaction.run((batch) => ({
        reserved: this.limits.reserve(batch, send),
        traffic: this.limits.countTraffic(batch, send),
      }));
      const reserved = results.reserved();
      if (!reserved) return rollback(await this.limits.findLimit(transaction, send));
      const pinToResend = { provider: row.provider, pinId: fields.providerPinId };
      const reservation = toReservation(send, { phoneNumber, channel, claim, pinToResend });
      return { reservation, send, reserved, traffic: results.traffic?.() };
    });
    return 'outcome' in counted ? counted : this.checkBudgets(counted, evaluate);
  }

  async confirm(
    reservation: SendReservation,
    { provider, pinId: providerPinId, possiblySentBy }: SendResult,
    response: unknown,
  ): Promise<boolean> {
    const { pinId, client, phoneNumber, channel, claim, pinToResend } = reservation;
    const sealed = this.verifications.encrypt(pinId, phoneNumber, providerPinId);
    const confirmed = await this.database.run((batch) => {
      if (!pinToResend) this.queries.supersede(batch, { pinId, client });
      const result = pinToResend
        ? this.queries.confirmResend(batch, { pinId, provider, sealed, channel })
        : this.queries.confirm(batch, { pinId, provider, sealed });
      this.addPossiblySentBy(batch, pinId, possiblySentBy);
      if (claim && pinToResend) this.keys.storeResponse(batch, reservation, claim, response);
      else if (claim) this.keys.storeSendResponse(batch, reservation, claim, response, sealed);
      return result;
    });
    return pinToResend !== undefined || confirmed.row !== undefined;
  }

  async release(reservation: SendReservation, possiblySentBy: readonly string[]): Promise<void> {
    const { pinId, client, phoneNumber, claim, pinToResend } = reservation;
    if (possiblySentBy.length > 0) {
      await this.database.run((batch) => {
        this.addPossiblySentBy(batch, pinId, possiblySentBy);
        if (!pinToResend) this.queries.fail(batch, { pinId });
        if (claim) this.keys.queries.markAmbiguous(batch, { pinId, runId: claim.runId });
      });
      return;
    }
    await this.database.transaction(async (transaction) => {
      const remove = pinToResend ? this.queries.removeResend : this.queries.delete;
      const { row } = await transaction.run((batch) => remove(batch, { pinId }));
      await this.verifications.rehashNumber(transaction, phoneNumber, client);
      await transaction.run((batch) => {
        this.limits.release(batch, reservation, this.verifications.hashNumber(phoneNumber), row);
        if (claim) this.keys.queries.release(batch, { pinId, runId: claim.runId });
      });
    });
  }

  /** Counts the first send and writes its verification, or does neither, in one batch. */
  private writeSend(batch: StatementBatch, send: CountedSend, idempotency?: IdempotentRequest) {
    const { row, claim, entries, now } = send;
    const target = { client: row.client, pinId: row.pin_id };
    const isClaimed =
      idempotency && this.keys.claim(batch, target, claim, idempotency, now, NO_RERUN);
    const reserved = this.limits.reserve(batch, send);
    const entry = entries?.number ?? '';
    const inserted = this.queries.insert(batch, Object.assign({ entry, ...claim }, row));
    const traffic = this.limits.countTraffic(batch, send);
    if (idempotency)
      this.keys.queries.releaseIfUnwritten(batch, { pinId: row.pin_id, runId: claim.runId });
    return { isClaimed, reserved, inserted, traffic };
  }

  /** Checks a counted send against the budgets, and releases it if it exceeds one. */
  private async checkBudgets(
    { reservation, send, reserved, traffic }: UncheckedSend,
    evaluate: TrafficEvaluator | undefined,
  ): Promise<SendAdmitted | LimitExceeded | DestinationSuspended> {
    const violation = traffic && this.limits.checkBudgets(send, reserved, traffic, evaluate);
    if (violation !== 'client_sends' && !violation?.enforced) {
      return { outcome: 'admitted', reservation, violation };
    }
    await this.release(reservation, []);
    return this.limits.findSuspension(this.database, send, reservation.phoneNumber, violation);
  }

  private addPossiblySentBy(batch: StatementBatch, pinId: string, names: readonly string[]): void {
    if (names.length === 0) return;
    this.queries.addPossiblySentBy(batch, { pinId, providers: names.join(',') });
  }

  private async findRejection(executor: Executor, pinId: string, client: string) {
    const getRow = await executor.run((batch) => this.verifications.readSent(batch, pinId, client));
    return { outcome: getRow() ? 'not_resendable' : 'not_found' } as const;
  }
}

const toReservation = (
  { row, entries }: CountedSend,
  delivery: Pick<SendReservation, 'phoneNumber' | 'channel' | 'claim' | 'pinToResend'>,
): SendReservation => ({
  pinId: row.pin_id,
  client: row.client,
  country: row.country,
  expiresAt: row.expires_at,
  entries,
  endUserHash: row.end_user_hash,
  prefixHash: row.prefix_hash,
  createdAt: row.created_at,
  ...delivery,
});
