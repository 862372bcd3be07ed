import { FifoQueue } from '../fifo-queue.js';
import type { RequestLimit } from './limit-syntax.js';

/** Bounds the memory: how many events and keys are kept in total. */
const MAX_TRACKED = { events: 1_000_000, keys: 100_000 };

/** Counts events by key, such as the sends to each number, in sliding windows. */
export class SlidingWindows {
  private readonly windows = new Map<string, FifoQueue<number>>();
  private eventCount = 0;

  /** @param now the time by the sandbox's clock, in milliseconds since the epoch */
  constructor(
    private readonly now: () => number,
    private readonly capacity = MAX_TRACKED,
  ) {}

  /** Milliseconds until the limit can allow another event; 0 if it allows one now. */
  getWaitMs(key: string, { count, intervalMs }: RequestLimit): number {
    const window = this.windows.get(key);
    if (!window) return 0;
    const now = this.now();
    // After the clock was set back, events that are later than now have not happened yet.
    let newest = window.peekNewest();
    while (newest !== undefined && newest > now) {
      window.removeNewest();
      this.eventCount -= 1;
      newest = window.peekNewest();
    }
    let oldest = window.peek();
    while (oldest !== undefined && oldest + intervalMs <= now) {
      window.dequeue();
      this.eventCount -= 1;
      oldest = window.peek();
    }
    // If an update has lowered the limit, the window can hold more events than the limit allows. Then
    // another wait follows.
    return oldest === undefined || window.size < count ? 0 : oldest + intervalMs - now;
  }

  /** Counts an event. Call `getWaitMs` first: it removes the events that no longer count. */
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
