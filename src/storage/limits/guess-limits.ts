import { Inject, Injectable } from '@nestjs/common';
import { limitsConfig, type LimitsConfig } from '../../config/limits.config.js';
import { Database } from '../engines/database.js';
import type { StatementBatch } from '../engines/statement-batch.js';
import type { ClientLimits, LimitExceeded } from '../limit.types.js';
import { toBucket, WINDOWS } from '../time-buckets.js';
import { toClientSubject, toWrongCodesSubject } from '../traffic-subjects.js';
import { TrafficCounts } from './traffic-counts.js';

/**
 * Wrong codes that each verified message allows beyond the setting. Users mistype fewer than two
 * codes in ten; someone who guesses has almost no code verified.
 */
const WRONG_PER_VERIFIED = 0.5;

interface GuessCounts {
  readonly wrongCodes: number;
  readonly verified: number;
}

/** The counts read at the client's first attempt in a bucket, and what this replica added since. */
interface CachedCounts {
  readonly bucket: number;
  readonly stored: Promise<GuessCounts>;
  wrongCodes: number;
  verified: number;
}

/**
 * The budget of a client's wrong codes over all numbers. The limits of a number do not stop someone
 * who guesses a few codes of each of many numbers.
 *
 * Beyond the budget, the first code of each verification is still checked. Otherwise an outsider who
 * guesses on the client's login page would keep out all its users. Each such guess costs a message,
 * and messages are limited.
 *
 * The counts are read once per bucket of five minutes, so most attempts need no statement for them.
 * A replica sees the wrong codes of other replicas up to one bucket late.
 */
@Injectable()
export class GuessLimits {
  private readonly wrongCodesPerDay: number;
  private readonly cache = new Map<string, CachedCounts>();

  constructor(
    private readonly database: Database,
    private readonly traffic: TrafficCounts,
    @Inject(limitsConfig.KEY) limits: LimitsConfig,
  ) {
    this.wrongCodesPerDay = limits.wrongCodesPerClientPerDay;
  }

  /**
   * Whether a client has used up its budget of wrong codes.
   * @param limits the client's limits; by default the limits of the settings
   */
  async isUsedUp(client: string, now: number, limits?: ClientLimits): Promise<boolean> {
    const perDay = limits?.limits.wrongCodesPerClientPerDay ?? this.wrongCodesPerDay;
    const cached = this.getCached(client, toBucket(now));
    const stored = await cached.stored;
    const wrongCodes = stored.wrongCodes + cached.wrongCodes;
    const verified = stored.verified + cached.verified;
    return wrongCodes >= perDay + WRONG_PER_VERIFIED * verified;
  }

  /**
   * Finds when the limit of a client that has used up its budget may end: when its oldest wrong
   * code leaves the window.
   */
  async findLimit(client: string, now: number): Promise<LimitExceeded> {
    const subject = toWrongCodesSubject(client);
    const until = await this.traffic.findResetAt(this.database, subject, 'day', 'unverified', now);
    return { outcome: 'limited', limit: 'client_wrong_codes', until };
  }

  /** Counts a wrong code in the database; twice if a write is repeated that was committed. */
  addWrongCode(batch: StatementBatch, client: string, now: number): void {
    const subject = toWrongCodesSubject(client);
    this.traffic.queries.addOne(batch, { subject, bucket: toBucket(now) });
  }

  /**
   * Adds a code to the cached counts only: call it once its write is committed. `TrafficCounts`
   * writes a verified code to the database.
   */
  addCached(client: string, kind: 'wrongCodes' | 'verified'): void {
    const cached = this.cache.get(client);
    if (cached) cached[kind] += 1;
  }

  private getCached(client: string, bucket: number): CachedCounts {
    const current = this.cache.get(client);
    if (current?.bucket === bucket) return current;
    const stored = this.readCounts(client, bucket);
    const cached = { bucket, stored, wrongCodes: 0, verified: 0 };
    this.cache.set(client, cached);
    // After an error, the next attempt reads the counts again.
    stored.catch(() => {
      if (this.cache.get(client) === cached) this.cache.delete(client);
    });
    return cached;
  }

  private async readCounts(client: string, bucket: number): Promise<GuessCounts> {
    const { row } = await this.database.runUntilKnown(() =>
      this.database.run((batch) =>
        this.traffic.queries.countGuesses(batch, {
          wrongCodes: toWrongCodesSubject(client),
          client: toClientSubject(client),
          from: bucket - WINDOWS.day,
        }),
      ),
    );
    return { wrongCodes: row?.wrong_codes ?? 0, verified: row?.verified ?? 0 };
  }
}
