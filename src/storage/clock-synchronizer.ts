import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { sql } from 'kysely';
import { Clock } from '../common/clock.js';
import { seconds } from '../common/durations.js';
import { Database } from './engines/database.js';

/**
 * Moves the clock forward to the newest time in the database, so that it neither goes back over a
 * restart nor stays behind other replicas. Each maximum is read from an index; the conditions are
 * those of partial indexes.
 */
@Injectable()
export class ClockSynchronizer implements OnApplicationBootstrap {
  private readonly logger = new Logger('Clock');
  private readonly queries;
  private loggedAheadSeconds = 0;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {
    this.queries = database.prepare('clock', {
      readNewestTime: () => sql<{ time: number | null }>`
        select max(time) as time from (
          select max(created_at) as time from verifications
          union all select max(created_at) from idempotency_keys
          union all select max(touched_at) from client_numbers where verified_at = 0
          union all select max(verified_at) from client_numbers where verified_at > 0
          union all select max(touched_at) from end_users) as times`,
    });
  }

  /** Runs before the server accepts requests. */
  onApplicationBootstrap(): Promise<void> {
    return this.advanceClock();
  }

  /** @throws Error if the database does not answer; the clock then keeps running. */
  async advanceClock(): Promise<void> {
    // Reads the server's time on PostgreSQL; does nothing on SQLite.
    await this.clock.sync();
    const { row } = await this.database.run((batch) => this.queries.readNewestTime(batch, {}));
    this.clock.advanceTo(row?.time ?? 0);
    this.logChange(Math.round(this.clock.aheadOfWallClockMs / seconds(1)));
  }

  private logChange(aheadSeconds: number): void {
    if (aheadSeconds === this.loggedAheadSeconds) return;
    this.loggedAheadSeconds = aheadSeconds;
    this.logger.warn(
      aheadSeconds === 0
        ? 'The clock is right again.'
        : `The clock was set back. Times in the database are ${String(aheadSeconds)} s ahead of it.`,
    );
  }
}
