import { setTimeout as wait } from 'node:timers/promises';

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
});
