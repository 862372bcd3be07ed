import { hours, minutes, seconds } from '../../src/common/durations.js';
import { FakeClock } from '../support/fake-clock.js';

describe('Clock', () => {
  let clock: FakeClock;
  let startedAt: number;
  beforeEach(() => {
    clock = new FakeClock();
    startedAt = clock.now();
  });

  const elapsedMs = () => clock.now() - startedAt;

  // The first three tests fail without clock.ts, applyReading: `aheadMs`
  it('runs on when the wall clock is set back', () => {
    clock.advance(minutes(1));
    clock.moveWallClock(-hours(2));
    expect(elapsedMs()).toBe(minutes(1));

    clock.advance(minutes(1));
    expect(elapsedMs()).toBe(minutes(2));
  });

  it('does not change when the wall clock is set back and then right again', () => {
    clock.moveWallClock(-hours(2));
    clock.advance(minutes(1));
    expect(elapsedMs()).toBe(minutes(1));

    clock.moveWallClock(hours(2));
    expect(elapsedMs()).toBe(minutes(1));
  });

  it('follows the wall clock forward, but not the correction', () => {
    clock.moveWallClock(hours(2));
    expect(elapsedMs()).toBe(hours(2));

    clock.moveWallClock(-hours(2));
    clock.advance(minutes(1));
    expect(elapsedMs()).toBe(hours(2) + minutes(1));
  });

  it('moves forward once, however often the wall clock jumps to and fro', () => {
    for (let i = 0; i < 10; i += 1) {
      clock.moveWallClock(hours(2));
      clock.now();
      clock.moveWallClock(-hours(2));
      clock.now();
    }

    expect(elapsedMs()).toBe(hours(2));
  });

  it('follows steps of the wall clock below a second, and stands still rather than going back', () => {
    clock.moveWallClock(-300);
    expect(elapsedMs()).toBe(0);
    clock.advance(200);
    expect(elapsedMs()).toBe(0);
    clock.advance(200);
    expect(elapsedMs()).toBe(100);
    clock.moveWallClock(300);
    expect(elapsedMs()).toBe(400);
  });

  it('returns dates by the wall clock', () => {
    const date = clock.toDate(startedAt).getTime();
    clock.moveWallClock(-hours(2));

    expect(clock.toDate(clock.now()).getTime()).toBe(date - hours(2));
  });

  it('goes on from a later time of another replica, and from no earlier one', () => {
    clock.advanceTo(startedAt - hours(1));
    expect(elapsedMs()).toBe(0);

    clock.advanceTo(startedAt + hours(1));
    clock.advance(seconds(1));
    expect(elapsedMs()).toBe(hours(1) + seconds(1));
    expect(clock.toDate(clock.now()).getTime()).toBe(startedAt + seconds(1));
  });
});
