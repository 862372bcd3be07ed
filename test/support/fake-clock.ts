import { Clock } from '../../src/common/clock.js';

/** A clock that stands still until a test advances it. */
export class FakeClock extends Clock {
  private elapsedMs = 0;

  /** @param currentWallTime in milliseconds since the epoch */
  constructor(private currentWallTime = Date.parse('2030-01-01T00:00:00Z')) {
    super();
  }

  /** Lets time pass. */
  advance(ms: number): void {
    this.elapsedMs += ms;
    this.currentWallTime += ms;
  }

  /** Moves the wall clock forward, or back by a negative time, though no time passes. */
  moveWallClock(byMs: number): void {
    this.currentWallTime += byMs;
  }

  protected override readWallClock(): number {
    return this.currentWallTime;
  }

  protected override readMonotonicClock(): number {
    return this.elapsedMs;
  }
}
