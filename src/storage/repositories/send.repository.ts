import { Inject, Injectable } from '@nestjs/common';
import type { PhoneNumber } from '../../common/phone-number.js';
import { getResendMarginMs, otpConfig, type OtpConfig } from '../../config/otp.config.js';
import { Database } from '../engines/database.js';
import type { Executor, StatementBatch } from '../engines/statement-batch.js';
import type { IdempotencyClaim, IdempotentRequest } from '../idempotency.types.js';
import type { TrafficEvaluator } from '../limit.types.js';
import { SendLimitFinder } from '../limits/send-limit-finder.js';
import { SendLimits, type CountedSend, type UncheckedSend } from '../limits/send-limits.js';
import type { VerificationRow } from '../migrations/schema.js';
import type {
  NewVerification,
  ResendAdmission,
  ResendRequest,
  SendAdmission,
  SendAdmitted,
  SendReservation,
} from '../send.types.js';
import { IdempotencyKeyRepository, NO_CLAIM } from './idempotency-key.repository.js';
import { prepareReservationQueries } from './send-queries.js';
import { getCodeLength } from './verification-status.js';
import { VerificationTable } from './verification-table.js';

/** A verification whose code is sent again. */
interface ResentCode {
  readonly row: VerificationRow;
  readonly phoneNumber: PhoneNumber;
  readonly claim: IdempotencyClaim;
}

type ReservationLimit = Awaited<ReturnType<SendLimitFinder['findReservationLimit']>>;

/** Counts and writes sends before their budgets are checked and the provider is called. */
@Injectable()
export class SendRepository {
  private readonly queries;

  constructor(
    private readonly database: Database,
    private readonly verifications: VerificationTable,
    private readonly limits: SendLimits,
    private readonly limitFinder: SendLimitFinder,
    private readonly keys: IdempotencyKeyRepository,
    @Inject(otpConfig.KEY) private readonly config: OtpConfig,
  ) {
    this.queries = prepareReservationQueries(database);
  }

  /** Counts a first send and writes its verification, or finds why that is not allowed. */
  async reserve(
    verification: NewVerification,
    idempotency: IdempotentRequest | undefined,
    evaluate: TrafficEvaluator | undefined,
  ): Promise<UncheckedSend | Exclude<SendAdmission, SendAdmitted>> {
    const { client, phoneNumber, channel, floodFilters, limits, createdAt: now } = verification;
    await this.verifications.rehashNumber(this.database, phoneNumber, client);
    if (idempotency) await this.keys.rehash(client, idempotency);
    const claim = idempotency && this.keys.createClaim(idempotency);
    const row = this.verifications.toNewRow(verification);
    const send = this.limits.toCountedSend(row, claim ?? NO_CLAIM, { floodFilters, limits, now });
    const written = await this.database.runUntilKnown(async (isRepeated) => {
      await this.limits.loadHistories(send);
      const found = isRepeated ? await this.findWritten(send) : undefined;
      return found ?? this.database.run((batch) => this.writeSend(batch, send, idempotency));
    });
    if (idempotency && !written.isClaimed?.()) {
      return this.keys.findEarlierRequest(this.database, client, idempotency, now, 'send');
    }
    const reserved = written.reserved();
    if (!reserved || !written.inserted.row) {
      return this.limitFinder.findReservationLimit(this.database, send, phoneNumber, evaluate);
    }
    const { eventReference } = verification;
    const delivery = { phoneNumber, channel, claim, eventReference, resendOf: undefined };
    const reservation = toReservation(send, delivery);
    const traffic = written.traffic?.();
    return { reservation, send, reserved, traffic };
  }

  /** Counts a resend, or finds why it is not allowed. */
  async reserveResend(
    request: ResendRequest,
    idempotency: IdempotentRequest | undefined,
    evaluate: TrafficEvaluator | undefined,
  ): Promise<UncheckedSend | Exclude<ResendAdmission, SendAdmitted>> {
    const { pinId, client, channel, limits, now } = request;
    if (idempotency) await this.keys.rehash(client, idempotency);
    const until = now + getResendMarginMs(limits?.otp ?? this.config);
    return this.database.transaction<UncheckedSend | Exclude<ResendAdmission, SendAdmitted>>(
      async (transaction, rollback) => {
        const claim = idempotency && this.keys.createClaim(idempotency);
        const { isClaimed, resend } = await transaction.run((batch) => ({
          isClaimed: claim && this.keys.claim(batch, { client, pinId }, claim, idempotency, now),
          resend: this.queries.addResend(batch, { pinId, client, until }),
        }));
        if (claim && !isClaimed?.()) {
          return rollback(
            await this.keys.findEarlierRequest(transaction, client, idempotency, now, 'send'),
          );
        }
        if (!resend.row) return rollback(await this.findRejection(transaction, request));
        const fields = this.verifications.decrypt(resend.row);
        if ('outcome' in fields) return rollback(fields);
        const { phoneNumber, numberHash: number_hash, providerPinId, eventReference } = fields;
        await this.verifications.rehashNumber(transaction, phoneNumber, client);
        const row = Object.assign(resend.row, { number_hash });
        const resent = { row, phoneNumber, claim: claim ?? NO_CLAIM };
        const counted = await this.countResend(transaction, resent, request, evaluate);
        if ('outcome' in counted) return rollback(counted);
        const codeLength = getCodeLength(row);
        const { provider, sealed } = row;
        const resendOf = { provider, pinId: providerPinId, codeLength, sealed };
        const delivery = { phoneNumber, channel, claim, eventReference, resendOf };
        return { reservation: toReservation(counted.send, delivery), ...counted };
      },
    );
  }

  /** Counts another message with a code, or finds the limit that it exceeds. */
  private async countResend(
    transaction: Executor,
    { row, phoneNumber, claim }: ResentCode,
    { findFloodFilters, limits, now }: ResendRequest,
    evaluate: TrafficEvaluator | undefined,
  ): Promise<Omit<UncheckedSend, 'reservation'> | ReservationLimit> {
    const floodFilters = findFloodFilters?.(phoneNumber, row.provider);
    const filter = floodFilters?.get(row.provider);
    // If its provider would drop the message, a new code is counted instead, to find when a new
    // code can be sent. The transaction is then rolled back.
    const isDropped = filter !== undefined && row.texts > filter.sameCode;
    const newCode = { attempts: 0, expires_at: now + (limits?.otp ?? this.config).ttlMs };
    const counted = isDropped ? Object.assign({}, row, newCode) : row;
    const send = this.limits.toCountedSend(counted, claim, { floodFilters, limits, now });
    const results = await transaction.run((batch) => ({
      reserved: this.limits.reserve(batch, send),
      traffic: this.limits.countTraffic(batch, send),
    }));
    const reserved = results.reserved();
    if (!reserved) {
      const { limitFinder: finder } = this;
      // The traffic of a resend is counted even if its number has reached a limit, until the rollback.
      const refused = Object.assign({ isInTraffic: true }, send);
      const limit = await finder.findReservationLimit(transaction, refused, phoneNumber, evaluate);
      return isDropped ? toSameCodeLimit(limit) : limit;
    }
    const { country } = row;
    if (isDropped) return { outcome: 'limited', limit: 'same_code', until: now, country };
    return { send, reserved, traffic: results.traffic?.() };
  }

  /** Counts the first send and writes its verification, or does neither, in one batch. */
  private writeSend(batch: StatementBatch, send: CountedSend, idempotency?: IdempotentRequest) {
    const { row, claim, entries, now } = send;
    const target = { client: row.client, pinId: row.pin_id };
    const isClaimed = idempotency && this.keys.claim(batch, target, claim, idempotency, now);
    const reserved = this.limits.reserve(batch, send);
    const entry = entries?.number ?? '';
    const inserted = this.queries.insert(batch, Object.assign({ entry, ...claim }, row));
    const traffic = this.limits.countTraffic(batch, send);
    if (idempotency)
      this.keys.queries.releaseIfUnwritten(batch, { pinId: row.pin_id, runId: claim.runId });
    return { isClaimed, reserved, inserted, traffic };
  }

  /** Finds what an earlier run of {@link writeSend} has written; `undefined` if nothing. */
  private async findWritten(send: CountedSend) {
    const { client, pin_id: pinId } = send.row;
    const written = await this.database.run((batch) => ({
      isClaimed: () => true,
      inserted: this.verifications.queries.read(batch, { pinId, client }),
      ...this.limits.readCounted(batch, send),
    }));
    return written.inserted.row?.status === 'sending' ? written : undefined;
  }

  /** Finds why a verification cannot be sent again. */
  private async findRejection(executor: Executor, { pinId, client, now }: ResendRequest) {
    const getRow = await executor.run((batch) => this.verifications.readSent(batch, pinId, client));
    const row = getRow();
    if (!row) return { outcome: 'not_found' } as const;
    const isOpen = row.status === 'pending' && row.attempts < row.max_attempts;
    const expiresSoon = isOpen && row.expires_at > now;
    return { outcome: expiresSoon ? 'expires_soon' : 'not_resendable' } as const;
  }
}

/**
 * The limit `same_code`, which ends when the limit of a new code ends. A shared limit has no end and
 * is returned as it is.
 */
const toSameCodeLimit = (limit: ReservationLimit): ReservationLimit =>
  limit.outcome === 'limited' && limit.limit !== 'shared'
    ? { outcome: 'limited', limit: 'same_code', until: limit.until, country: limit.country }
    : limit;

const toReservation = (
  { row, entries, now }: CountedSend,
  delivery: Pick<
    SendReservation,
    'phoneNumber' | 'channel' | 'claim' | 'eventReference' | 'resendOf'
  >,
): SendReservation => ({
  pinId: row.pin_id,
  client: row.client,
  country: row.country,
  expiresAt: row.expires_at,
  locale: row.locale,
  entries,
  endUserHash: row.end_user_hash,
  prefixHash: row.prefix_hash,
  createdAt: row.created_at,
  requestedAt: now,
  ...delivery,
});
