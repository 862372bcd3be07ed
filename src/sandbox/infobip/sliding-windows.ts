import { FifoQueue } from '../fifo-queue.js';
import type { RequestLimit } from './limit-syntax.js';

/** Bounds the memory: how many events and keys are kept in total. */
const MAX_TRACKED = { events: 1_000_000, keys: 100_000 };

/** Sliding-window counters by key. */
export class SlidingWindows {
  private readonly windows = new Map<string, FifoQueue<number>>();
  private eventCount = 0;

  constructor(
    private readonly now: () => number,
    private readonly capacity = MAX_TRACKED,
  ) {}

  /** Milliseconds until the limit allows another event; 0 if it does now. */
  getWaitMs(key: string, { count, intervalMs }: RequestLimit): number {
    const window = this.windows.get(key);
    if (!window) return 0;
    const now = this.now();
    let oldest = window.peek();
    while (oldest !== undefined && oldest + intervalMs <= now) {
      window.dequeue();
      this.eventCount -= 1;
      oldest = window.peek();
    }
    // The window can hold more events than the limit allows, if an update has lowered the limit.
    return oldest === undefined || window.size < count ? 0 : oldest + intervalMs - now;
  }

  /** Counts an event. Call `getWaitMs` before: it forgets old events. */
  countEvent(key: string): void {
    const window = this.windows.get(key) ?? new FifoQueue<number>();
    // Delete and set again, so that the Map lists the least recently used key first.
    this.windows.delete(key);
    this.windows.set(key, window);
    window.enqueue(this.now());
    this.eventCount += 1;
    if (this.eventCount > this.capacity.events || this.windows.size > this.capacity.keys)
      this.evictLeastRecentlyUsed();
  }

  /** Evicts a tenth at once, because iterating a Map is slow after many deletions at its start. */
  private evictLeastRecentlyUsed(): void {
    const { events, keys } = this.capacity;
    for (const [key, window] of this.windows) {
      if (this.eventCount <= 0.9 * events && this.windows.size <= 0.9 * keys) return;
      this.windows.delete(key);
      this.eventCount -= window.size;
    }
  }
}
