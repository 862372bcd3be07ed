import { Injectable } from '@nestjs/common';
import { seconds } from './durations.js';

/**
 * Time synchronization makes smaller steps. A small step forward is followed; after a small step back, time
 * stands still until the wall clock has caught up.
 */
const MAX_STEP_MS = seconds(1);

/**
 * The only source of the current time, so that tests can control it.
 *
 * The clock follows the wall clock forward, but never goes back: after the wall clock was set back,
 * time runs on with the monotonic clock. So no cooldown or lifetime gets longer, and no event is
 * counted twice or forgotten. This clock then stays ahead of the wall clock until that is set
 * forward again.
 */
@Injectable()
export class Clock {
  /** The last reading of the wall clock; NaN before the first. */
  private wallTime = NaN;
  /** The time of that reading by the monotonic clock. */
  private readAt = NaN;
  private aheadMs = 0;
  /** The latest time that this clock has returned. */
  private latest = NaN;

  /** How long the wall clock needs to reach this clock, in milliseconds: 0 unless it was set back. */
  get aheadOfWallClockMs(): number {
    return this.aheadMs;
  }

  /** Milliseconds since the Unix epoch, a whole number that never decreases. */
  now(): number {
    const monotonicTime = this.readMonotonicClock();
    this.applyReading(this.readWallClock(), monotonicTime);
    return this.getCurrentTime(monotonicTime);
  }

  /** Converts a time of this clock to the date that the wall clock shows then, for responses. */
  toDate(time: number): Date {
    return new Date(time - this.aheadMs);
  }

  /** Converts a time by the wall clock, such as one that another server sent, to this clock. */
  fromWallClock(time: number): number {
    return time + this.aheadMs;
  }

  /**
   * Moves forward to a time that an earlier process or another replica has already reached. Ignores a
   * difference of up to a second.
   */
  advanceTo(time: number): void {
    const behindMs = time - this.now();
    if (behindMs > MAX_STEP_MS) this.aheadMs += behindMs;
  }

  /** Reads the remote clock that a subclass follows; the system clock needs no sync. */
  async sync(): Promise<void> {
    return;
  }

  /**
   * Takes a reading of the wall clock into account.
   * @param readAt the time of the reading by the monotonic clock
   */
  protected applyReading(wallTime: number, readAt: number): void {
    const expected = this.getTimeAt(readAt);
    // The clock was set, or this machine slept.
    if (Math.abs(wallTime + this.aheadMs - expected) > MAX_STEP_MS) {
      this.aheadMs = Math.max(0, expected - wallTime);
    }
    this.wallTime = wallTime;
    this.readAt = readAt;
  }

  /** The time now, by the last reading of the wall clock. */
  protected getCurrentTime(monotonicTime: number): number {
    const time = Math.floor(this.getTimeAt(monotonicTime));
    // Time stands still while the wall clock is behind by less than a step. `latest` is NaN at first.
    if (!(time <= this.latest)) this.latest = time;
    return this.latest;
  }

  protected readWallClock(): number {
    return Date.now();
  }

  protected readMonotonicClock(): number {
    return performance.now();
  }

  private getTimeAt(monotonicTime: number): number {
    return this.wallTime + this.aheadMs + monotonicTime - this.readAt;
  }
}
