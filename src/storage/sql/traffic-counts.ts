import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/app-config.js';
import type { DestinationTraffic, Region, Traffic } from '../traffic.js';
import { Database } from './database.js';
import type { VerificationRow } from './schema.js';
import { leavesAt, slotAt, WINDOWS, youngFrom } from '../slots.js';
import { prepareTrafficQueries, type Sums } from './traffic-queries.js';
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
    const young = youngFrom(slot, this.ttlMs);
    // A reading that is under way when the slot turns keeps to the histories it began with.
    const histories = this.historiesIn(slot);
    const { prefix, country, client } = subjectsOf(counted);
    const known = new Set([prefix, country, client].filter((subject) => histories.has(subject)));
    const from = (subject: string) => (known.has(subject) ? young : slot - WINDOWS.twoWeeks);
    const rows = await this.queries.read(executor, {
      prefix,
      prefixFrom: from(prefix),
      country,
      countryFrom: from(country),
      client,
      clientFrom: from(client),
      young,
      hour: slot - WINDOWS.hour,
      day: slot - WINDOWS.day,
    });
    const sums = new Map(rows.map((row) => [row.subject, row]));
    const trafficOf = (subject: string): DestinationTraffic => {
      const row = sums.get(subject);
      if (!known.has(subject)) histories.set(subject, historyOf(row));
      const { hour, day, twoWeeks } = histories.get(subject) ?? historyOf(row);
      return { young: youngOf(row), hour, day, twoWeeks };
    };
    return {
      prefix: trafficOf(prefix),
      country: trafficOf(country),
      client: trafficOf(client),
    };
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

function youngOf(sums: Sums | undefined): Traffic {
  return sums ? { texts: sums.young_texts, verified: sums.young_verified } : NONE;
}

function historyOf(sums: Sums | undefined): History {
  const young = youngOf(sums);
  const before = (texts = 0, verified = 0): Traffic => ({
    texts: texts - young.texts,
    verified: verified - young.verified,
  });
  return {
    hour: before(sums?.hour_texts, sums?.hour_verified),
    day: before(sums?.day_texts, sums?.day_verified),
    twoWeeks: before(sums?.all_texts, sums?.all_verified),
  };
}

function subjectsOf({ prefix_hash, country, client }: Counted): Record<Kind, string> {
  return {
    prefix: `prefix:${prefix_hash}`,
    country: `country:${country}`,
    client: `client:${client}`,
  };
}
