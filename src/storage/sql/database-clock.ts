import { Clock } from '../../common/clock.js';

/** How long a reading may take, in milliseconds: it may be wrong by half of that. */
const SLOWEST_MS = 200;

/**
 * The database's clock, which rules wherever replicas share one: their own clocks may differ, and
 * may be set. It is read now and then, and in between counted on by this process's monotonic clock.
 */
export class DatabaseClock extends Clock {
  private readAt = 0;
  private time = NaN;

  /** @param readTime asks the database, in milliseconds since the epoch. */
  constructor(private readonly readTime: () => Promise<number>) {
    super();
  }

  /** @throws Error if the database does not answer; the time read before goes on. */
  override async sync(): Promise<void> {
    const asked = performance.now();
    const time = await this.readTime();
    const answered = performance.now();
    // A slow reading is worse than the one before it, counted on.
    if (answered - asked > SLOWEST_MS && !Number.isNaN(this.time)) return;
    this.time = time;
    // The answer was true half-way.
    this.readAt = (asked + answered) / 2;
  }

  override now(): number {
    return Math.floor(this.time + performance.now() - this.readAt);
  }
}
