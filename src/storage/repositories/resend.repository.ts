import { Inject, Injectable } from '@nestjs/common';
import type { PhoneNumber } from '../../common/phone-number.js';
import { getResendMarginMs, otpConfig, type OtpConfig } from '../../config/otp.config.js';
import { Database } from '../engines/database.js';
import type { Executor } from '../engines/statement-batch.js';
import type {
  ClaimedIdempotentRequest,
  IdempotencyClaim,
  IdempotentRequest,
} from '../idempotency.types.js';
import type { TrafficEvaluator } from '../limit.types.js';
import { SendLimitFinder } from '../limits/send-limit-finder.js';
import { SendLimits, toReservation, type UncheckedSend } from '../limits/send-limits.js';
import type { VerificationRow } from '../migrations/schema.js';
import type { ResendAdmission, ResendRequest, SendAdmitted } from '../send.types.js';
import { IdempotencyKeyRepository, NO_CLAIM } from './idempotency-key.repository.js';
import { prepareResendReservationQueries } from './send-queries.js';
import { getCodeLength } from './verification-status.js';
import { VerificationTable } from './verification-table.js';

/** A verification whose code is sent again. */
interface ResentCode {
  readonly row: VerificationRow;
  readonly phoneNumber: PhoneNumber;
  readonly claim: IdempotencyClaim;
}

type ReservationLimit = Awaited<ReturnType<SendLimitFinder['findReservationLimit']>>;

/** Counts resends before their budgets are checked and the provider is called. */
@Injectable()
export class ResendRepository {
  private readonly queries;

  constructor(
    private readonly database: Database,
    private readonly verifications: VerificationTable,
    private readonly limits: SendLimits,
    private readonly limitFinder: SendLimitFinder,
    private readonly keys: IdempotencyKeyRepository,
    @Inject(otpConfig.KEY) private readonly config: OtpConfig,
  ) {
    this.queries = prepareResendReservationQueries(database);
  }

  /** Counts a resend, or finds why it is not allowed. */
  async reserve(
    request: ResendRequest,
    idempotency: IdempotentRequest | undefined,
    evaluate: TrafficEvaluator | undefined,
  ): Promise<UncheckedSend | Exclude<ResendAdmission, SendAdmitted>> {
    const { client } = request;
    if (idempotency) await this.keys.rehash(client, idempotency);
    const claim = idempotency && this.keys.createClaim(idempotency);
    let counted: UncheckedSend | undefined;
    return this.database.runUntilKnown((isRepeated) =>
      this.database.transaction<UncheckedSend | Exclude<ResendAdmission, SendAdmitted>>(
        async (transaction, rollback) => {
          // `counted` is set before the commit, the only statement whose result can be unknown.
          if (isRepeated && counted && (await this.isWritten(transaction, counted))) return counted;
          const result = await this.write(transaction, request, claim, evaluate);
          if ('outcome' in result) return rollback(result);
          counted = result;
          return result;
        },
      ),
    );
  }

  /** Counts a resend, or finds why it is not allowed; the transaction is then rolled back. */
  private async write(
    transaction: Executor,
    request: ResendRequest,
    claim: ClaimedIdempotentRequest | undefined,
    evaluate: TrafficEvaluator | undefined,
  ): Promise<UncheckedSend | Exclude<ResendAdmission, SendAdmitted>> {
    const { pinId, client, channel, limits, now } = request;
    const until = now + getResendMarginMs(limits?.otp ?? this.config);
    const { isClaimed, resend } = await transaction.run((batch) => ({
      isClaimed: claim && this.keys.claim(batch, { client, pinId }, claim, claim.idempotency, now),
      resend: this.queries.addResend(batch, { pinId, client, until }),
    }));
    if (claim && !isClaimed?.()) {
      return this.keys.findEarlierRequest(transaction, client, claim.idempotency, now, 'send');
    }
    if (!resend.row) return this.findRejection(transaction, request);
    const fields = this.verifications.decrypt(resend.row);
    if ('outcome' in fields) return fields;
    const { phoneNumber, numberHash: number_hash, providerPinId, eventReference } = fields;
    await this.verifications.rehashNumber(transaction, phoneNumber, client);
    const row = Object.assign(resend.row, { number_hash });
    const resent = { row, phoneNumber, claim: claim ?? NO_CLAIM };
    const counted = await this.countResend(transaction, resent, request, evaluate);
    if ('outcome' in counted) return counted;
    const codeLength = getCodeLength(row);
    const { provider, sealed } = row;
    const resendOf = { provider, pinId: providerPinId, codeLength, sealed };
    const delivery = { phoneNumber, channel, claim, eventReference, resendOf };
    return { reservation: toReservation(counted.send, delivery), ...counted };
  }

  /** Whether an earlier run of {@link write} was committed. */
  private async isWritten(transaction: Executor, { send }: UncheckedSend): Promise<boolean> {
    const { row, claim, entries } = send;
    const { pin_id: pinId, client } = row;
    const resend = { pinId, client, entry: entries?.number ?? '', ...claim };
    // The lock waits until the earlier run is committed or rolled back.
    const written = await transaction.run((batch) => {
      this.verifications.queries.lock(batch, { pinId });
      return this.queries.readResend(batch, resend);
    });
    return written.row !== undefined;
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
