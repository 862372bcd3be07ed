import { FifoQueue } from '../fifo-queue.js';
import type { RequestLimit } from './limit-syntax.js';

/** What is remembered of all keys together. */
const MAX_TRACKED = { events: 1_000_000, keys: 100_000 };

/**
 * Counts events by key and admits as many as a limit says in *any* interval of that length, not in
 * each calendar interval. Only admitted events count.
 */
export class SlidingWindows {
  private readonly windows = new Map<string, FifoQueue<number>>();
  private events = 0;

  constructor(
    private readonly now: () => number,
    private readonly capacity = MAX_TRACKED,
  ) {}

  /** Milliseconds until one more is admitted; 0 means now. */
  getWaitMs(key: string, { count: countEvent, intervalMs }: RequestLimit): number {
    const window = this.windows.get(key);
    if (!window) return 0;
    const now = this.now();
    let oldest = window.peek();
    while (oldest !== undefined && oldest + intervalMs <= now) {
      window.dequeue();
      this.events -= 1;
      oldest = window.peek();
    }
    // A window that was full of older events may hold more than a limit that was lowered since.
    return oldest === undefined || window.size < countEvent ? 0 : oldest + intervalMs - now;
  }

  /** Counts one event. Call it once `waitMs` has answered 0 for every limit that concerns it. */
  count(key: string): void {
    const window = this.windows.get(key) ?? new FifoQueue<number>();
    // Deleted and set again: the map's order is then that of last use, and the first goes first.
    this.windows.delete(key);
    this.windows.set(key, window);
    window.enqueue(this.now());
    this.events += 1;
    if (this.events > this.capacity.events || this.windows.size > this.capacity.keys)
      this.evictLeastUsed();
  }

  /** Forgets the least recently used tenth at once: a Map whose first entries are gone walks slowly. */
  private evictLeastUsed(): void {
    for (const [key, window] of this.windows) {
      if (
        this.events <= 0.9 * this.capacity.events &&
        this.windows.size <= 0.9 * this.capacity.keys
      )
        return;
      this.windows.delete(key);
      this.events -= window.size;
    }
  }
}
