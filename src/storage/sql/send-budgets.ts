import { Inject, Injectable } from '@nestjs/common';
import type { PhoneNumber } from '../../common/phone-number.js';
import { limitsConfig, type LimitsConfig } from '../../config/limits.config.js';
import {
  TRUSTED_NUMBER_MS,
  type DestinationCounts,
  type BudgetViolation,
  type TrafficEvaluator,
} from '../traffic.types.js';
import type {
  IdempotencyClaim,
  LimitExceeded,
  ReservationEntries,
  SendReservation,
  DestinationSuspended,
} from '../verification-store.js';
import type { Executor, Packet } from './statement.js';
import { EndUserLimits } from './end-user-limits.js';
import { newEntry } from './event-log.js';
import { NumberLimits } from './number-limits.js';
import type { VerificationRow } from './schema.js';
import { isCounted, TrafficCounts, type TrafficOfText } from './traffic-counts.js';

/** A text that is to be counted. */
export interface Text {
  readonly row: VerificationRow;
  /** Without them it is not limited: a text to a test number never leaves. */
  readonly entries: ReservationEntries | undefined;
  readonly key: IdempotencyClaim;
  readonly now: number;
}

/** A text that was taken. */
export interface Taken {
  /** When somebody last verified its number, in milliseconds since the epoch; 0 if never. */
  readonly verifiedAt: number;
}

/** All that one text is counted against: taken before it is sent, given back if it never left. */
@Injectable()
export class SendBudgets {
  private readonly clientSendsPerDay: number;

  constructor(
    private readonly numbers: NumberLimits,
    private readonly endUsers: EndUserLimits,
    private readonly traffic: TrafficCounts,
    @Inject(limitsConfig.KEY) limits: LimitsConfig,
  ) {
    this.clientSendsPerDay = limits.sendsPerClientPerDay;
  }

  newText(row: VerificationRow, key: IdempotencyClaim, now: number): Text {
    const endUser = row.end_user_hash === '' ? undefined : newEntry(now);
    return {
      row,
      entries: row.texts > 0 ? { number: newEntry(now), endUser } : undefined,
      key,
      now,
    };
  }

  /**
   * Counts a text by its number and its end user, or by neither.
   * @returns tells `undefined` if by neither
   */
  take(packet: Packet, text: Text): () => Taken | undefined {
    const { row, entries, key, now } = text;
    if (!entries) return () => ({ verifiedAt: 0 });
    const asked = {
      key: row.number_hash,
      client: row.client,
      keyHash: key.keyHash,
      runId: key.runId,
    };
    const lastVerified = this.numbers.takeSend(packet, asked, entries.number, now);
    const allowed =
      entries.endUser === undefined
        ? () => true
        : this.takeOfEndUser(packet, text, entries.number, entries.endUser);
    return () => {
      const verifiedAt = lastVerified();
      return verifiedAt === undefined || !allowed() ? undefined : { verifiedAt };
    };
  }

  /**
   * Counts a text by its destination and its client, provided that its verification was written:
   * first it is counted and only then looked at, so of any number of texts at once, the last one that
   * fits is the last one that passes.
   */
  count(packet: Packet, { row, entries, now }: Text): (() => TrafficOfText) | undefined {
    if (!entries || !isCounted(row)) return undefined;
    return this.traffic.addText(packet, row, row.pin_id, now);
  }

  /** Why a text was not taken. */
  async refusal(executor: Executor, { row, now }: Text): Promise<LimitExceeded> {
    const byNumber = await this.numbers.noSend(executor, row.number_hash, now);
    if (row.end_user_hash === '' || byNumber.until > now) return byNumber;
    return this.endUsers.noSend(executor, row.end_user_hash, now);
  }

  /** What a counted text is beyond, if anything: its client's budget, or one of its destination. */
  weigh(
    { now }: Text,
    { verifiedAt }: Taken,
    traffic: TrafficOfText,
    judge: TrafficEvaluator | undefined,
  ): 'client_sends' | BudgetViolation | undefined {
    if (textsOfDay(traffic.client) > this.clientSendsPerDay) return 'client_sends';
    return verifiedAt > now - TRUSTED_NUMBER_MS ? undefined : judge?.(traffic);
  }

  /** Until when a text is refused for what it is beyond. */
  async suspension(
    executor: Executor,
    { row, now }: Text,
    phoneNumber: PhoneNumber,
    excess: 'client_sends' | BudgetViolation,
  ): Promise<LimitExceeded | DestinationSuspended> {
    if (excess === 'client_sends') {
      const until = await this.traffic.relievedAt(executor, ['client', row], 'day', 'all', now);
      return { outcome: 'limited', limit: 'client_sends', until };
    }
    const { scope, window } = excess;
    const until = await this.traffic.relievedAt(executor, [scope, row], window, 'unverified', now);
    return { outcome: 'suspended', violation: excess, phoneNumber, until };
  }

  /**
   * The text never left.
   * @param row as it is without it; `undefined` if it was the first, or was erased with the rest
   */
  giveBack(
    packet: Packet,
    { client, country, endUserHash, prefixHash, createdAt, entries }: SendReservation,
    numberHash: string,
    row: VerificationRow | undefined,
  ): void {
    if (!entries) return;
    this.numbers.returnSend(packet, numberHash, entries.number);
    if (entries.endUser !== undefined) {
      this.endUsers.giveBack(packet, endUserHash, entries.endUser);
    }
    const counted = { client, country, prefix_hash: prefixHash, created_at: createdAt };
    const verified = row?.status === 'verified' ? -1 : 0;
    this.traffic.add(packet, counted, { sends: -1, verified });
  }

  private takeOfEndUser(
    packet: Packet,
    { row, now }: Text,
    numberEntry: string,
    endUserEntry: string,
  ): () => boolean {
    const { number_hash: numberHash, end_user_hash: endUserHash } = row;
    const asked = { key: endUserHash, numberHash, numberEntry };
    const taken = this.endUsers.take(packet, asked, endUserEntry, now);
    const entry = numberEntry;
    this.numbers.returnRefused(packet, { key: numberHash, entry, endUserHash, endUserEntry });
    return taken;
  }
}

const textsOfDay = ({ recent, day }: DestinationCounts): number => recent.sends + day.sends;
