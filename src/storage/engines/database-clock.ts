import { Clock } from '../../common/clock.js';

/**
 * A reading may be wrong by half of the time that it takes. Readings that take longer than this are
 * ignored, except the first.
 */
const MAX_READ_MS = 200;

/**
 * The clock of the database. Replicas share it, because their own clocks may differ or be set.
 * `sync` reads it; between readings, the monotonic clock of this process advances the time.
 */
export class DatabaseClock extends Clock {
  /** @param readTime reads the database's time, in milliseconds since the epoch. */
  constructor(private readonly readTime: () => Promise<number>) {
    super();
  }

  /** @throws Error if the database does not answer; the clock keeps its last reading. */
  override async sync(): Promise<void> {
    const startedAt = this.readMonotonicClock();
    const time = await this.readTime();
    const endedAt = this.readMonotonicClock();
    // `now()` is NaN before the first reading.
    if (endedAt - startedAt > MAX_READ_MS && !Number.isNaN(this.now())) return;
    // Assume that the database read its clock half-way between the two times.
    this.applyReading(time, (startedAt + endedAt) / 2);
  }

  override now(): number {
    return this.getCurrentTime(this.readMonotonicClock());
  }
}
