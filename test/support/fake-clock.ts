import { Clock } from '../../src/common/clock.js';

/** A clock that stands still until a test advances it. */
export class FakeClock extends Clock {
  private time = Date.parse('2030-01-01T00:00:00Z');

  override now(): number {
    return this.time;
  }

  advance(ms: number): void {
    this.time += ms;
  }
}
