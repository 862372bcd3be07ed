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

/** Places taken in the logs of a number and of an end user. */
interface Places {
  readonly outcome: 'taken';
  /** `undefined` for what is not limited. */
  readonly entries: SendEntries | undefined;
  /** When somebody last verified the number; 0 if never. */
  readonly verifiedAt: number;
}

interface CountedText {
  readonly outcome: 'counted';
  readonly excess: Excess | undefined;
}

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

  /** Counts a text against its number and its end user. */
  async takePlaces(executor: Executor, { row, now }: Asking): Promise<Places | Limited> {
    if (!isLimited(row)) return { outcome: 'taken', entries: undefined, verifiedAt: 0 };
    const addressHash = row.end_user_hash;
    const [number, endUser] = await Promise.all([
      this.numbers.takeSend(executor, row.number_hash, now),
      addressHash === '' ? undefined : this.endUsers.take(executor, addressHash, now),
    ]);
    if (number.outcome === 'limited') return number;
    if (endUser?.outcome === 'limited') return endUser;
    const { entry, verifiedAt } = number;
    return { outcome: 'taken', entries: { number: entry, endUser: endUser?.entry }, verifiedAt };
  }

  /**
   * Counts a text against its destination and its client, and only then looks at the budgets: of
   * any number of sends at once, the last one that fits is the last one that passes.
   */
  async count(
    executor: Executor,
    asking: Asking,
    verifiedAt: number,
  ): Promise<CountedText | Limited | Suspended> {
    const { row, now, judge } = asking;
    if (!isLimited(row) || !isCounted(row)) return { outcome: 'counted', excess: undefined };
    const [, traffic] = await Promise.all([
      this.traffic.add(executor, row, { texts: 1, verified: 0 }),
      this.traffic.read(executor, row, now),
    ]);
    if (textsOfDay(traffic.client) > this.clientSendsPerDay) {
      const until = await this.traffic.relievedAt(executor, ['client', row], 'day', 'all', now);
      return { outcome: 'limited', limit: 'client_sends', until };
    }
    const excess = verifiedAt > now - KNOWN_MS ? undefined : judge?.(traffic);
    if (excess?.enforced) return this.suspend(executor, asking, excess);
    return { outcome: 'counted', excess };
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

  private async suspend(
    executor: Executor,
    { row, phoneNumber, now }: Asking,
    excess: Excess,
  ): Promise<Suspended> {
    const { region, window } = excess;
    const until = await this.traffic.relievedAt(executor, [region, row], window, 'unverified', now);
    return { outcome: 'suspended', excess, phoneNumber, until };
  }
}

/** Texts to a test number are not: none leave. */
const isLimited = ({ texts }: VerificationRow): boolean => texts > 0;

const textsOfDay = ({ young, day }: DestinationTraffic): number => young.texts + day.texts;
