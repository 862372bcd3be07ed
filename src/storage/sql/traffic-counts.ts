import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/app-config.js';
import type { DestinationTraffic, Region, Traffic } from '../traffic.js';
import { Database } from './database.js';
import type { VerificationRow } from './schema.js';
import { leavesAt, slotAt, WINDOWS, youngFrom } from '../slots.js';
import { prepareTrafficQueries, type HistoryRow } from './traffic-queries.js';
import type { Executor } from './statement.js';

/** What tells where a text is counted. */
export type Counted = Pick<VerificationRow, 'client' | 'country' | 'prefix_hash' | 'created_at'>;

/** A verification from before there were counts is in none. */
export const isCounted = ({ country }: Counted): boolean => country !== '';

/** What a text is counted by. */
type Kind = Region | 'client';

/** What a subject had before its young slots: that does not change any more. */
type History = Omit<DestinationTraffic, 'young'>;

const NONE: Traffic = { texts: 0, verified: 0 };

/**
 * How many texts went to a destination and by a client, and how many of them were verified.
 *
 * A prefix' row is locked from its count to the end of the transaction, so its budgets are exact
 * however many sends race: the next one reads what this one wrote. All sends write the rows of their
 * country and their client: these are spread over shards. What is not committed elsewhere is not
 * seen, and their budgets are soft by that much.
 */
@Injectable()
export class TrafficCounts {
  private readonly queries;
  private readonly ttlMs: number;
  /** Of the subjects that were asked about in this slot; with the slot, the windows move on. */
  private histories = { slot: 0, of: new Map<string, History>() };

  constructor(
    private readonly database: Database,
    { otp }: AppConfig,
  ) {
    this.queries = prepareTrafficQueries(database);
    this.ttlMs = otp.ttlMs;
  }

  /** Adds to what the slot of a verification counts. */
  async add(executor: Executor, counted: Counted, change: Traffic): Promise<void> {
    if (!isCounted(counted) || (change.texts === 0 && change.verified === 0)) return;
    await this.queries.change(executor, Object.assign(this.placeOf(counted), change));
  }

  /** Counts a verification's texts as verified, provided that its code can still verify. */
  async addVerified(
    executor: Executor,
    counted: Counted,
    verifying: { pinId: string; now: number },
  ): Promise<void> {
    if (!isCounted(counted)) return;
    await this.queries.verified(executor, Object.assign(this.placeOf(counted), verifying));
  }

  /**
   * Counts a text, provided that its verification was written.
   * @returns all that it is counted by, itself included
   */
  async addText(
    executor: Executor,
    counted: Counted,
    pinId: string,
    now: number,
  ): Promise<Record<Kind, DestinationTraffic>> {
    const [, traffic] = await Promise.all([
      this.queries.texted(executor, Object.assign(this.placeOf(counted), { pinId })),
      this.read(executor, counted, now),
    ]);
    return traffic;
  }

  /**
   * When the oldest text that counts leaves the window, in milliseconds since the epoch.
   * @param of whether verified texts count too
   */
  async relievedAt(
    executor: Executor,
    [kind, counted]: readonly [Kind, Counted],
    window: 'hour' | 'day',
    of: 'all' | 'unverified',
    now: number,
  ): Promise<number> {
    const [row] = await this.queries.oldest(executor, {
      subject: subjectsOf(counted)[kind],
      from: slotAt(now) - WINDOWS[window],
      unverifiedOnly: of === 'unverified' ? 1 : 0,
    });
    return leavesAt(row?.slot ?? slotAt(now), WINDOWS[window]);
  }

  /** All that a text is counted by. The work is bounded, whatever the history. */
  private async read(
    executor: Executor,
    counted: Counted,
    now: number,
  ): Promise<Record<Kind, DestinationTraffic>> {
    const slot = slotAt(now);
    const from = youngFrom(slot, this.ttlMs);
    const { prefix, country, client } = subjectsOf(counted);
    const [young, ofPrefix, ofCountry, ofClient] = await Promise.all([
      this.queries.young(executor, { prefix, country, client, from }),
      this.historyOf(executor, prefix, slot),
      this.historyOf(executor, country, slot),
      this.historyOf(executor, client, slot),
    ]);
    const trafficOf = (subject: string, { hour, day, twoWeeks }: History): DestinationTraffic => {
      const { texts, verified } = young.find((row) => row.subject === subject) ?? NONE;
      return { young: { texts, verified }, hour, day, twoWeeks };
    };
    return {
      prefix: trafficOf(prefix, ofPrefix),
      country: trafficOf(country, ofCountry),
      client: trafficOf(client, ofClient),
    };
  }

  /** Read once in a slot. */
  private async historyOf(executor: Executor, subject: string, slot: number): Promise<History> {
    // A reading that is under way when the slot turns keeps to the histories it began with.
    const histories = this.historiesIn(slot);
    const known = histories.get(subject);
    if (known) return known;
    const [row] = await this.queries.history(executor, {
      subject,
      young: youngFrom(slot, this.ttlMs),
      hour: slot - WINDOWS.hour,
      day: slot - WINDOWS.day,
      twoWeeks: slot - WINDOWS.twoWeeks,
    });
    const history = row ? historyFrom(row) : { hour: NONE, day: NONE, twoWeeks: NONE };
    histories.set(subject, history);
    return history;
  }

  private placeOf(counted: Counted) {
    const { prefix, country, client } = subjectsOf(counted);
    const shard = Math.floor(Math.random() * this.database.shards);
    return { slot: slotAt(counted.created_at), shard, prefix, country, client };
  }

  private historiesIn(slot: number): Map<string, History> {
    if (this.histories.slot !== slot) this.histories = { slot, of: new Map() };
    return this.histories.of;
  }
}

const historyFrom = (row: HistoryRow): History => ({
  hour: { texts: row.hour_texts, verified: row.hour_verified },
  day: { texts: row.day_texts, verified: row.day_verified },
  twoWeeks: { texts: row.all_texts, verified: row.all_verified },
});

function subjectsOf({ prefix_hash, country, client }: Counted): Record<Kind, string> {
  return {
    prefix: `prefix:${prefix_hash}`,
    country: `country:${country}`,
    client: `client:${client}`,
  };
}
