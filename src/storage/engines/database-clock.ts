import { Clock } from '../../common/clock.js';

/** A reading may be wrong by half of its duration. A slower one is ignored, except the first. */
const MAX_READ_MS = 200;

/**
 * The clock of the database, which replicas share because their own clocks may differ or be set. It
 * is read periodically and advanced by the monotonic clock of this process in between.
 */
export class DatabaseClock extends Clock {
  /** @param readTime reads the database's time, in milliseconds since the epoch. */
  constructor(private readonly readTime: () => Promise<number>) {
    super();
  }

  /** @throws Error if the database does not answer; the clock keeps its last reading. */
  override async sync(): Promise<void> {
    const asked = this.readMonotonicClock();
    const time = await this.readTime();
    const answered = this.readMonotonicClock();
    // `now()` is NaN before the first reading.
    if (answered - asked > MAX_READ_MS && !Number.isNaN(this.now())) return;
    // Assume that the database read its clock half-way.
    this.applyReading(time, (asked + answered) / 2);
  }

  override now(): number {
    return this.getCurrentTime(this.readMonotonicClock());
  }
}
