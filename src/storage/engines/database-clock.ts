import { Clock } from '../../common/clock.js';

/** A slower reading is ignored: it may be wrong by half of its duration. */
const MAX_READ_MS = 200;

/**
 * The clock of the database, which replicas share because their own clocks may differ or be set. It
 * is read periodically and advanced by the monotonic clock of this process in between.
 */
export class DatabaseClock extends Clock {
  private readAt = 0;
  private time = NaN;

  /** @param readTime reads the database's time, in milliseconds since the epoch. */
  constructor(private readonly readTime: () => Promise<number>) {
    super();
  }

  /** @throws Error if the database does not answer; the clock keeps its last reading. */
  override async sync(): Promise<void> {
    const asked = performance.now();
    const time = await this.readTime();
    const answered = performance.now();
    if (answered - asked > MAX_READ_MS && !Number.isNaN(this.time)) return;
    this.time = time;
    // Assume that the database read its clock half-way.
    this.readAt = (asked + answered) / 2;
  }

  override now(): number {
    return Math.floor(this.time + performance.now() - this.readAt);
  }
}
