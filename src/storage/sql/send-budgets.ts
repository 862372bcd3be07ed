import { Injectable } from '@nestjs/common';
import type { PhoneNumber } from '../../common/phone-number.js';
import { AppConfig } from '../../config/app-config.js';
import { KNOWN_MS, type DestinationTraffic, type Excess, type Judge } from '../traffic.js';
import type { Limited, SendEntries, Suspended } from '../verification-store.js';
import type { Executor } from './statement.js';
import { EndUserLimits } from './end-user-limits.js';
import { NumberLimits } from './number-limits.js';
import type { VerificationRow } from './schema.js';
import { isCounted, TrafficCounts } from './traffic-counts.js';

/** What a text is admitted by. */
export interface Asking {
  readonly row: VerificationRow;
  readonly phoneNumber: PhoneNumber;
  readonly now: number;
  readonly judge: Judge | undefined;
}

interface CountedText {
  readonly outcome: 'counted';
  /** `undefined` for what is not limited. */
  readonly entries: SendEntries | undefined;
  readonly excess: Excess | undefined;
}

type TrafficOfText = Awaited<ReturnType<TrafficCounts['read']>>;

/** All that one text is counted against: taken before it is sent, given back if it never left. */
@Injectable()
export class SendBudgets {
  private readonly clientSendsPerDay: number;

  constructor(
    private readonly numbers: NumberLimits,
    private readonly endUsers: EndUserLimits,
    private readonly traffic: TrafficCounts,
    { perClient }: AppConfig,
  ) {
    this.clientSendsPerDay = perClient.sendsPerDay;
  }

  /**
   * Counts a text against its number, its end user and its prefix, and only then looks at what all
   * may have: of any number of sends at once, the last one that fits is the last one that passes.
   * What is refused has to be undone with the transaction; for the others {@link finish} is the end.
   */
  async take(executor: Executor, asking: Asking): Promise<CountedText | Limited | Suspended> {
    const { row, now } = asking;
    if (!isLimited(row)) return { outcome: 'counted', entries: undefined, excess: undefined };
    const [number, endUser, traffic] = await Promise.all([
      this.numbers.takeSend(executor, row.number_hash, now),
      row.end_user_hash === '' ? undefined : this.endUsers.take(executor, row.end_user_hash, now),
      isCounted(row) ? this.countTraffic(executor, row, now) : undefined,
    ]);
    if (number.outcome === 'limited') return number;
    if (endUser?.outcome === 'limited') return endUser;
    const entries = { number: number.entry, endUser: endUser?.entry };
    const weighed = traffic && (await this.weigh(executor, asking, traffic, number.verifiedAt));
    if (weighed && 'outcome' in weighed) return weighed;
    return { outcome: 'counted', entries, excess: weighed };
  }

  /** Counts a text that was taken by what every other text is counted by too; then commit. */
  async finish(executor: Executor, row: VerificationRow): Promise<void> {
    if (isLimited(row) && isCounted(row)) await this.traffic.countText(executor, row);
  }

  /** The text never left. @param row as it is without it */
  async giveBack(
    executor: Executor,
    numberHash: string,
    row: VerificationRow | undefined,
    entries: SendEntries,
  ): Promise<void> {
    await this.numbers.returnSend(executor, numberHash, entries.number);
    if (!row) return;
    if (entries.endUser !== undefined) {
      await this.endUsers.giveBack(executor, row.end_user_hash, entries.endUser);
    }
    await this.traffic.add(executor, row, {
      texts: -1,
      verified: row.status === 'verified' ? -1 : 0,
    });
  }

  private async countTraffic(
    executor: Executor,
    row: VerificationRow,
    now: number,
  ): Promise<TrafficOfText> {
    const [, traffic] = await Promise.all([
      this.traffic.claimText(executor, row),
      this.traffic.read(executor, row, now),
    ]);
    return traffic;
  }

  /** @returns why the text is refused, or by how much it is beyond a budget that only observes. */
  private async weigh(
    executor: Executor,
    { row, phoneNumber, now, judge }: Asking,
    traffic: TrafficOfText,
    verifiedAt: number,
  ): Promise<Limited | Suspended | Excess | undefined> {
    if (textsOfDay(traffic.client) > this.clientSendsPerDay) {
      const until = await this.traffic.relievedAt(executor, ['client', row], 'day', 'all', now);
      return { outcome: 'limited', limit: 'client_sends', until };
    }
    const excess = verifiedAt > now - KNOWN_MS ? undefined : judge?.(traffic);
    if (!excess?.enforced) return excess;
    const { region, window } = excess;
    const until = await this.traffic.relievedAt(executor, [region, row], window, 'unverified', now);
    return { outcome: 'suspended', excess, phoneNumber, until };
  }
}

/** Texts to a test number are not: none leave. */
const isLimited = ({ texts }: VerificationRow): boolean => texts > 0;

const textsOfDay = ({ young, day }: DestinationTraffic): number => young.texts + day.texts;
