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
const ONE_TEXT: Traffic = { texts: 1, verified: 0 };

/**
 * How many texts went to a destination and by a client, and how many of them were verified.
 *
 * A prefix' row is locked from its count to the end of the transaction, so its budgets are exact
 * however many sends race: the next one reads what this one wrote. All sends write the rows of their
 * country and their client: these are spread over shards, and written with the commit, so that
 * nobody waits for them while a sender thinks. What is in flight elsewhere is not seen, and their
 * budgets are soft by that much.
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
    await this.queries.changeAll(executor, this.changeOf(counted, change));
  }

  /** Counts a verification's texts as verified, provided that its code can still verify. */
  async addVerified(
    executor: Executor,
    counted: Counted,
    verifying: { pinId: string; now: number },
  ): Promise<void> {
    if (!isCounted(counted)) return;
    const { slot, shard } = this.placeOf(counted);
    await this.queries.verified(executor, { slot, shard, ...subjectsOf(counted), ...verifying });
  }

  /** Counts a text by its prefix. By the rest, {@link countText} does, once nothing refuses it. */
  async claimText(executor: Executor, counted: Counted): Promise<void> {
    await this.queries.changePrefix(executor, this.changeOf(counted, ONE_TEXT));
  }

  /** Counts a text that {@link claimText} has counted already by its country and its client. */
  async countText(executor: Executor, counted: Counted): Promise<void> {
    await this.queries.changeOthers(executor, this.changeOf(counted, ONE_TEXT));
  }

  /**
   * All that a text is counted by which was claimed and not yet counted, the text included. The work
   * is bounded, whatever the history.
   */
  async read(
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
      country: withOneText(trafficOf(country)),
      client: withOneText(trafficOf(client)),
    };
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

  private changeOf(counted: Counted, { texts, verified }: Traffic) {
    const { slot, shard } = this.placeOf(counted);
    return { slot, shard, texts, verified, ...subjectsOf(counted) };
  }

  private placeOf({ created_at }: Counted) {
    return {
      slot: slotAt(created_at),
      shard: Math.floor(Math.random() * this.database.shards),
    };
  }

  private historiesIn(slot: number): Map<string, History> {
    if (this.histories.slot !== slot) this.histories = { slot, of: new Map() };
    return this.histories.of;
  }
}

function youngOf(sums: Sums | undefined): Traffic {
  return sums ? { texts: sums.young_texts, verified: sums.young_verified } : NONE;
}

/** A text that is sent, or sent again, has a code that may still be typed. */
const withOneText = ({ young, hour, day, twoWeeks }: DestinationTraffic): DestinationTraffic => ({
  young: { texts: young.texts + 1, verified: young.verified },
  hour,
  day,
  twoWeeks,
});

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
