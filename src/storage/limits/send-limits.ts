import { Inject, Injectable } from '@nestjs/common';
import type { PhoneNumber } from '../../common/phone-number.js';
import { limitsConfig, type LimitsConfig } from '../../config/limits.config.js';
import type { Executor, StatementBatch } from '../engines/statement-batch.js';
import type { IdempotencyClaim } from '../idempotency.types.js';
import {
  type BudgetViolation,
  type DestinationSuspended,
  isShared,
  type LimitExceeded,
  type SharedBudgetExceeded,
  TRUSTED_NUMBER_MS,
  type TrafficEvaluator,
} from '../limit.types.js';
import type { VerificationRow } from '../migrations/schema.js';
import type { ReservationEntries, SendReservation } from '../send.types.js';
import { EndUserLimits } from './end-user-limits.js';
import { NumberLimits } from './number-limits.js';
import { createWindowEntry } from './sliding-window.js';
import { TrafficCounts, type SendTraffic } from './traffic-counts.js';
import { isCounted } from '../traffic-subjects.js';

/** A send to count. */
export interface CountedSend {
  readonly row: VerificationRow;
  /** Undefined for a test number, whose sends are not limited. */
  readonly entries: ReservationEntries | undefined;
  readonly claim: IdempotencyClaim;
  readonly now: number;
}

/** A send that its number and its end user count. */
export interface ReservedSend {
  /** When the number was last verified, in milliseconds since the epoch; 0 if never. */
  readonly verifiedAt: number;
}

/** A send that is counted, but not yet checked against the budgets. */
export interface UncheckedSend {
  readonly reservation: SendReservation;
  readonly send: CountedSend;
  readonly reserved: ReservedSend;
  readonly traffic: SendTraffic | undefined;
}

/** All limits of one send: counted before it is sent, released if no message was sent. */
@Injectable()
export class SendLimits {
  private readonly clientSendsPerDay: number;

  constructor(
    private readonly numbers: NumberLimits,
    private readonly endUsers: EndUserLimits,
    private readonly traffic: TrafficCounts,
    @Inject(limitsConfig.KEY) limits: LimitsConfig,
  ) {
    this.clientSendsPerDay = limits.sendsPerClientPerDay;
  }

  toCountedSend(row: VerificationRow, claim: IdempotencyClaim, now: number): CountedSend {
    const endUser = row.end_user_hash === '' ? undefined : createWindowEntry(now);
    const entries = row.texts > 0 ? { number: createWindowEntry(now), endUser } : undefined;
    return { row, entries, claim, now };
  }

  /**
   * Counts a send for its number and its end user, or for neither.
   * @returns a getter of the counted send; `undefined` if it was not counted
   */
  reserve(batch: StatementBatch, send: CountedSend): () => ReservedSend | undefined {
    const { row, entries, claim, now } = send;
    if (!entries) return () => ({ verifiedAt: 0 });
    const { keyHash, runId } = claim;
    const numberSend = { key: row.number_hash, client: row.client, keyHash, runId };
    const lastVerified = this.numbers.reserveSend(batch, numberSend, entries.number, now);
    const allowed =
      entries.endUser === undefined
        ? () => true
        : this.reserveForEndUser(batch, send, entries.number, entries.endUser);
    return () => {
      const verifiedAt = lastVerified();
      return verifiedAt === undefined || !allowed() ? undefined : { verifiedAt };
    };
  }

  /**
   * Counts a send for its destination and client, if its verification was written. It is counted
   * first and checked after: of racing sends, the last one within the budget is the last admitted.
   */
  countTraffic(
    batch: StatementBatch,
    { row, entries, now }: CountedSend,
  ): (() => SendTraffic) | undefined {
    if (!entries || !isCounted(row)) return undefined;
    return this.traffic.addSend(batch, row, row.pin_id, now);
  }

  /** Reads what {@link reserve} and {@link countTraffic} returned for a send that they have counted. */
  readCounted(batch: StatementBatch, { row, entries, now }: CountedSend) {
    const number = this.numbers.queries.read(batch, { key: row.number_hash });
    const traffic = entries && isCounted(row) ? this.traffic.read(batch, row, now) : undefined;
    return { reserved: () => ({ verifiedAt: number.row?.verified_at ?? 0 }), traffic };
  }

  /** Finds the limit for which a send was not reserved. */
  async findLimit(executor: Executor, { row, now }: CountedSend): Promise<LimitExceeded> {
    const byNumber = await this.numbers.findSendLimit(executor, row.number_hash, now);
    if (row.end_user_hash === '' || byNumber.until > now) return byNumber;
    return this.endUsers.findSendLimit(executor, row.end_user_hash, now);
  }

  /** Finds the budget that a counted send exceeds: its client's, or one of its destination. */
  checkBudgets(
    { now }: CountedSend,
    { verifiedAt }: ReservedSend,
    traffic: SendTraffic,
    evaluate: TrafficEvaluator | undefined,
  ): 'client_sends' | BudgetViolation | undefined {
    const { recent, day } = traffic.client;
    if (recent.sends + day.sends > this.clientSendsPerDay) return 'client_sends';
    return verifiedAt > now - TRUSTED_NUMBER_MS ? undefined : evaluate?.(traffic);
  }

  /** Finds until when a budget that {@link checkBudgets} found blocks the send. */
  async findSuspension(
    executor: Executor,
    { row, now }: CountedSend,
    phoneNumber: PhoneNumber,
    violation: 'client_sends' | BudgetViolation,
  ): Promise<LimitExceeded | SharedBudgetExceeded | DestinationSuspended> {
    if (violation === 'client_sends') {
      const until = await this.traffic.findResetAt(executor, ['client', row], 'day', 'all', now);
      return { outcome: 'limited', limit: 'client_sends', until };
    }
    const send = { violation, client: row.client, phoneNumber };
    const { scope, window } = violation;
    if (isShared(scope)) {
      return { outcome: 'limited', limit: 'shared', cause: 'shared_destination', ...send };
    }
    const until = await this.traffic.findResetAt(executor, [scope, row], window, 'unverified', now);
    return { outcome: 'suspended', until, ...send };
  }

  /**
   * Releases a send that sent no message.
   * @param row the verification without it; `undefined` if it was the first send, or was erased
   * @returns a getter of whether it was counted until now
   */
  release(
    batch: StatementBatch,
    { client, country, endUserHash, prefixHash, createdAt, entries }: SendReservation,
    numberHash: string,
    row: VerificationRow | undefined,
  ): () => boolean {
    if (!entries) return () => true;
    const number = { key: numberHash, entry: entries.number };
    const released = this.numbers.queries.releaseSend(batch, number);
    if (entries.endUser !== undefined) {
      this.endUsers.queries.release(batch, { key: endUserHash, entry: entries.endUser });
    }
    const countKey = { client, country, prefix_hash: prefixHash, created_at: createdAt };
    const verified = row?.status === 'verified' ? -1 : 0;
    this.traffic.add(batch, countKey, { sends: -1, verified });
    return () => released.row !== undefined;
  }

  private reserveForEndUser(
    batch: StatementBatch,
    { row, now }: CountedSend,
    numberEntry: string,
    endUserEntry: string,
  ): () => boolean {
    const { number_hash: numberHash, end_user_hash: endUserHash } = row;
    const send = { key: endUserHash, numberHash, numberEntry };
    const reserved = this.endUsers.reserve(batch, send, endUserEntry, now);
    const rejected = { key: numberHash, entry: numberEntry, endUserHash, endUserEntry };
    this.numbers.queries.releaseRejected(batch, rejected);
    return reserved;
  }
}
