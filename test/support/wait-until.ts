import { setTimeout as delay } from 'node:timers/promises';
import { minutes } from '../../src/common/durations.js';
import { scaleTimeLimit } from './time-scale.js';

/** Polls until the condition holds. @throws Error after a minute; longer on a slow machine */
export async function waitUntil(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + scaleTimeLimit(minutes(1));
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('The condition was not met in time.');
    await delay(10);
  }
}
