import { Injectable } from '@nestjs/common';
import { NO_FLOOD_FILTERS, type FloodFilters } from '../../common/flood-filter.js';
import type { StatementBatch } from '../engines/statement-batch.js';
import type { IdempotencyClaim } from '../idempotency.types.js';
import { MAX_VERIFIED_SENDS, type ClientLimits, type ReservedSend } from '../limit.types.js';
import type { VerificationRow } from '../migrations/schema.js';
import type { ReservationEntries, SendReservation } from '../send.types.js';
import { EndUserLimits } from './end-user-limits.js';
import { NumberLimits } from './number-limits.js';
import { NumberReservations } from './number-reservations.js';
import { findMessageFilter, type MessageFilter } from './send-requirements.js';
import { createWindowEntry, getEntryTime } from './sliding-window.js';
import { TrafficCounts, type SendTraffic } from './traffic-counts.js';
import { isVerified } from '../is-verified.js';
import { isCounted } from '../traffic-subjects.js';
import { toNumberKey } from './window-predicates.js';

/** A send to count. */
export interface CountedSend {
  readonly row: VerificationRow;
  /** Undefined for a test number, whose sends are not limited. */
  readonly entries: ReservationEntries | undefined;
  readonly claim: IdempotencyClaim;
  readonly messageFilter: MessageFilter | undefined;
  readonly limits: ClientLimits | undefined;
  readonly now: number;
}

/** A send that is counted, but not yet checked against the budgets. */
export interface UncheckedSend {
  readonly reservation: SendReservation;
  readonly send: CountedSend;
  readonly reserved: ReservedSend;
  readonly traffic: SendTraffic | undefined;
}

interface SendOptions {
  readonly now: number;
  /** Flood filters of the providers that may send the message; by default none. */
  readonly floodFilters?: FloodFilters | undefined;
  /** The client's limits; by default the limits of the settings. */
  readonly limits?: ClientLimits | undefined;
}

/** All limits of one send: counted before it is sent, released if no message was sent. */
@Injectable()
export class SendLimits {
  constructor(
    private readonly numbers: NumberLimits,
    private readonly reservations: NumberReservations,
    private readonly endUsers: EndUserLimits,
    private readonly traffic: TrafficCounts,
  ) {}

  /** Makes the entries of a send, with which {@link reserve} counts it. */
  toCountedSend(
    row: VerificationRow,
    claim: IdempotencyClaim,
    { now, floodFilters = NO_FLOOD_FILTERS, limits }: SendOptions,
  ): CountedSend {
    const endUser = row.end_user_hash === '' ? undefined : createWindowEntry(now);
    const entries = row.texts > 0 ? { number: createWindowEntry(now), endUser } : undefined;
    return { row, entries, claim, messageFilter: findMessageFilter(floodFilters), limits, now };
  }

  /**
   * Counts a send for its number and its end user, or for neither.
   * @returns a getter of the counted send; `undefined` if it was not counted
   */
  reserve(batch: StatementBatch, send: CountedSend): () => ReservedSend | undefined {
    const { row, entries, claim, messageFilter, limits, now } = send;
    if (!entries) return () => ({ verifiedAt: 0 });
    const { keyHash, runId } = claim;
    const { expires_at: expiresAt, attempts } = row;
    const requirements = { expiresAt, attempts, messageFilter };
    const numberSend = { keyHash, runId, ...requirements, ...toNumberKey(row) };
    const lastVerified = this.reservations.reserveSend(
      batch,
      numberSend,
      entries.number,
      now,
      limits,
    );
    const isWithinEndUserLimit =
      entries.endUser === undefined
        ? () => true
        : this.reserveForEndUser(batch, send, entries.number, entries.endUser);
    return () => {
      const verifiedAt = lastVerified();
      return verifiedAt === undefined || !isWithinEndUserLimit() ? undefined : { verifiedAt };
    };
  }

  /** Call before the transaction of a first send. */
  async loadHistories({ row, entries, now }: CountedSend): Promise<void> {
    if (entries && isCounted(row)) await this.traffic.loadHistories(row, now);
  }

  /**
   * Counts a send for its destination and client, if its verification was written. A send is
   * counted first and checked after that: so concurrent sends cannot all pass the check with the
   * same count.
   * @returns a getter of the counts, this send included; `undefined` if the send is not counted
   */
  countTraffic(
    batch: StatementBatch,
    { row, entries, now }: CountedSend,
  ): (() => SendTraffic) | undefined {
    if (!entries || !isCounted(row)) return undefined;
    return this.traffic.addSend(batch, row, row.pin_id, now);
  }

  /**
   * Reads again what {@link reserve} and {@link countTraffic} returned for a send that they
   * counted.
   */
  readCounted(batch: StatementBatch, { row, entries, now }: CountedSend) {
    const number = this.numbers.queries.read(batch, toNumberKey(row));
    const traffic = entries && isCounted(row) ? this.traffic.read(batch, row, now) : undefined;
    return { reserved: () => ({ verifiedAt: number.row?.verified_at ?? 0 }), traffic };
  }

  /**
   * Releases a send that sent no message. A send to an unreachable number stays counted for its
   * number and its end user. For its client, it counts as an unreachable number instead of a
   * message. Its entry is replaced: so a repeated write finds that an earlier run was committed.
   * @param row the verification without this send; `undefined` if this was its first send, or if
   * the verification was erased
   * @returns a getter of whether the send was still counted as a message
   */
  release(
    batch: StatementBatch,
    { client, country, endUserHash, prefixHash, createdAt, entries }: SendReservation,
    numberHash: string,
    row: VerificationRow | undefined,
    isUnreachable: boolean,
  ): () => boolean {
    if (!entries) return () => true;
    const { number: entry, endUser } = entries;
    const send = { numberHash, client, entry };
    const { releaseSend, replaceSend } = this.numbers.queries;
    const released = isUnreachable
      ? replaceSend(batch, { newEntry: createWindowEntry(getEntryTime(entry, 1)), ...send })
      : releaseSend(batch, send);
    if (!isUnreachable && endUser !== undefined) {
      this.endUsers.queries.release(batch, { key: endUserHash, entry: endUser });
    }
    const countKey = { client, country, prefix_hash: prefixHash, created_at: createdAt };
    // Beyond MAX_VERIFIED_SENDS, the send did not count as verified.
    const isVerifiedSend = row && isVerified(row.status) && row.texts < MAX_VERIFIED_SENDS;
    const verified = isVerifiedSend ? -1 : 0;
    this.traffic.add(batch, countKey, { sends: -1, verified });
    if (isUnreachable) this.traffic.addUnreachable(batch, countKey);
    return () => released.row !== undefined;
  }

  private reserveForEndUser(
    batch: StatementBatch,
    { row, limits, now }: CountedSend,
    numberEntry: string,
    endUserEntry: string,
  ): () => boolean {
    const { end_user_hash: endUserHash } = row;
    const number = toNumberKey(row);
    const send = { key: endUserHash, numberEntry, ...number };
    const reserved = this.endUsers.reserve(batch, send, endUserEntry, now, limits);
    const rejected = { entry: numberEntry, endUserHash, endUserEntry, ...number };
    this.numbers.queries.releaseRejected(batch, rejected);
    return reserved;
  }
}

/** The reservation of a counted send, for the outcome of its delivery. */
export const toReservation = (
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
