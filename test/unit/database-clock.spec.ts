import { setTimeout as wait } from 'node:timers/promises';

import { hours } from '../../src/common/durations.js';
import { DatabaseClock } from '../../src/storage/engines/database-clock.js';

const AHEAD_MS = 60_000;

describe('DatabaseClock', () => {
  it('keeps its reading when a later one takes too long to be exact', async () => {
    let delayMs = 0;
    const clock = new DatabaseClock(async () => {
      const time = Date.now() + AHEAD_MS;
      await wait(delayMs);
      return time;
    });

    await clock.sync();
    // A reading of more than 200 ms is too inexact to replace another one.
    delayMs = 600;
    await clock.sync();

    expect(Math.abs(clock.now() - Date.now() - AHEAD_MS)).toBeLessThan(100);
  });

  it('uses a slow reading when it has no other', async () => {
    const clock = new DatabaseClock(async () => {
      await wait(300);
      return Date.now() + AHEAD_MS;
    });

    await clock.sync();

    expect(Math.abs(clock.now() - Date.now() - AHEAD_MS)).toBeLessThan(500);
  });

  // This test fails without `aheadMs` of `applyReading` in clock.ts.
  it('runs on when the clock of the database is set back', async () => {
    let offsetMs = 0;
    const clock = new DatabaseClock(async () => Date.now() + offsetMs);
    await clock.sync();
    const startedAt = clock.now();

    for (const jumpMs of [-hours(2), -hours(2), hours(2)]) {
      offsetMs += jumpMs;
      await clock.sync();
      await clock.sync();
    }

    expect(clock.now() - startedAt).toBeGreaterThanOrEqual(0);
    expect(clock.now() - startedAt).toBeLessThan(500);
    expect(Math.abs(clock.toDate(clock.now()).getTime() - Date.now() - offsetMs)).toBeLessThan(500);
  });

  it('follows the clock of the database forward', async () => {
    let offsetMs = 0;
    const clock = new DatabaseClock(async () => Date.now() + offsetMs);
    await clock.sync();
    const startedAt = clock.now();
    offsetMs = hours(2);
    await clock.sync();

    expect(clock.now() - startedAt).toBeGreaterThanOrEqual(hours(2) - 500);
  });
});
