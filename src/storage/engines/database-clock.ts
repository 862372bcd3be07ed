import { Clock } from '../../common/clock.js';

/**
 * A reading may be wrong by half of the time that it takes. Readings that take longer than this are
 * ignored. Exception: the first reading is repeated once, and the shorter of the two is used.
 */
const MAX_READ_MS = 200;

interface Reading {
  readonly time: number;
  readonly durationMs: number;
  /** The time of the reading by the monotonic clock. */
  readonly readAt: number;
}

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
    let reading = await this.read();
    if (reading.durationMs > MAX_READ_MS) {
      // `now()` is NaN before the first reading.
      if (!Number.isNaN(this.now())) return;
      const second = await this.read().catch(() => reading);
      if (second.durationMs < reading.durationMs) reading = second;
    }
    this.applyReading(reading.time, reading.readAt);
  }

  override now(): number {
    return this.getCurrentTime(this.readMonotonicClock());
  }

  private async read(): Promise<Reading> {
    const startedAt = this.readMonotonicClock();
    const time = await this.readTime();
    const durationMs = this.readMonotonicClock() - startedAt;
    // Assume that the database read its clock half-way.
    return { time, durationMs, readAt: startedAt + durationMs / 2 };
  }
}
