import { Inject, Injectable } from '@nestjs/common';
import { otpConfig, type OtpConfig } from '../../config/otp.config.js';
import type { DestinationCounts, BudgetScope, SendCounts } from '../traffic.types.js';
import { Database } from './database.js';
import type { VerificationRow } from './schema.js';
import { bucketExpiresAt, bucketAt, WINDOWS, firstRecentBucket } from '../time-buckets.js';
import { prepareTrafficQueries, type HistoryRow } from './traffic-queries.js';
import type { Executor, Packet } from './statement.js';

/** What tells where a text is counted. */
export type Counted = Pick<VerificationRow, 'client' | 'country' | 'prefix_hash' | 'created_at'>;

/** A verification from before there were counts is in none. */
export const isCounted = ({ country }: Counted): boolean => country !== '';

/** What a text is counted by. */
type Kind = BudgetScope | 'client';

/** All that a text is counted by. */
export type TrafficOfText = Record<Kind, DestinationCounts>;

/** What a subject had before its young slots: that does not change any more. */
type History = Omit<DestinationCounts, 'recent'>;

const NONE: SendCounts = { sends: 0, verified: 0 };

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
    @Inject(otpConfig.KEY) { ttlMs }: OtpConfig,
  ) {
    this.queries = prepareTrafficQueries(database);
    this.ttlMs = ttlMs;
  }

  /** Adds to what the slot of a verification counts. */
  add(packet: Packet, counted: Counted, change: SendCounts): void {
    if (!isCounted(counted) || (change.sends === 0 && change.verified === 0)) return;
    this.queries.change(packet, Object.assign(this.placeOf(counted), change));
  }

  /** Counts a verification's texts as verified, provided that its code can still verify. */
  addVerified(packet: Packet, counted: Counted, verifying: { pinId: string; now: number }): void {
    if (!isCounted(counted)) return;
    this.queries.verified(packet, Object.assign(this.placeOf(counted), verifying));
  }

  /**
   * Counts a text, provided that its verification was written.
   * @returns tells all that it is counted by, itself included
   */
  addText(packet: Packet, counted: Counted, pinId: string, now: number): () => TrafficOfText {
    this.queries.texted(packet, Object.assign(this.placeOf(counted), { pinId }));
    return this.read(packet, counted, now);
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
    const { row } = await executor.run((packet) =>
      this.queries.oldest(packet, {
        subject: subjectsOf(counted)[kind],
        from: bucketAt(now) - WINDOWS[window],
        unverifiedOnly: of === 'unverified' ? 1 : 0,
      }),
    );
    return bucketExpiresAt(row?.slot ?? bucketAt(now), WINDOWS[window]);
  }

  /** All that a text is counted by. The work is bounded, whatever the history. */
  private read(packet: Packet, counted: Counted, now: number): () => TrafficOfText {
    const slot = bucketAt(now);
    const from = firstRecentBucket(slot, this.ttlMs);
    const { prefix, country, client } = subjectsOf(counted);
    const young = this.queries.young(packet, { prefix, country, client, from });
    const trafficOf = (subject: string): (() => DestinationCounts) => {
      const history = this.historyOf(packet, subject, slot);
      return () => {
        const { hour, day, twoWeeks } = history();
        const { sends, verified } = young.rows.find((row) => row.subject === subject) ?? NONE;
        return { recent: { sends, verified }, hour, day, twoWeeks };
      };
    };
    const ofPrefix = trafficOf(prefix);
    const ofCountry = trafficOf(country);
    const ofClient = trafficOf(client);
    return () => ({ prefix: ofPrefix(), country: ofCountry(), client: ofClient() });
  }

  /** Read once in a slot. */
  private historyOf(packet: Packet, subject: string, slot: number): () => History {
    // A reading that is under way when the slot turns keeps to the histories it began with.
    const histories = this.historiesIn(slot);
    const known = histories.get(subject);
    if (known) return () => known;
    const answer = this.queries.history(packet, {
      subject,
      young: firstRecentBucket(slot, this.ttlMs),
      hour: slot - WINDOWS.hour,
      day: slot - WINDOWS.day,
      twoWeeks: slot - WINDOWS.twoWeeks,
    });
    return () => {
      const history = answer.row
        ? historyFrom(answer.row)
        : { hour: NONE, day: NONE, twoWeeks: NONE };
      histories.set(subject, history);
      return history;
    };
  }

  private placeOf(counted: Counted) {
    const { prefix, country, client } = subjectsOf(counted);
    const shard = Math.floor(Math.random() * this.database.shards);
    return { slot: bucketAt(counted.created_at), shard, prefix, country, client };
  }

  private historiesIn(slot: number): Map<string, History> {
    if (this.histories.slot !== slot) this.histories = { slot, of: new Map() };
    return this.histories.of;
  }
}

const historyFrom = (row: HistoryRow): History => ({
  hour: { sends: row.hour_texts, verified: row.hour_verified },
  day: { sends: row.day_texts, verified: row.day_verified },
  twoWeeks: { sends: row.all_texts, verified: row.all_verified },
});

function subjectsOf({ prefix_hash, country, client }: Counted): Record<Kind, string> {
  return {
    prefix: `prefix:${prefix_hash}`,
    country: `country:${country}`,
    client: `client:${client}`,
  };
}
