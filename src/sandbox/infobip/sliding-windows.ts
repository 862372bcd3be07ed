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

  /**
   * Removes the events that no longer count. Always pass the same limit for a key.
   * @returns milliseconds until the caller should ask again; 0 if the limit allows an event now
   */
  getWaitMs(key: string, { count, intervalMs }: RequestLimit): number {
    const window = this.windows.get(key);
    if (!window) return 0;
    const now = this.now();
    // Events can be later than now only if the clock was set back.
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
    // If the limit was lowered, several events may have to leave the window. The result waits only for
    // the first one.
    return oldest === undefined || window.size < count ? 0 : oldest + intervalMs - now;
  }

  /** Counts an event. Call `getWaitMs` first, which removes the events that no longer count. */
  countEvent(key: string): void {
    const window = this.windows.get(key) ?? new FifoQueue<number>();
    // Delete and set again, so that the Map lists the key with the oldest last event first.
    this.windows.delete(key);
    this.windows.set(key, window);
    window.enqueue(this.now());
    this.eventCount += 1;
    if (this.eventCount > this.capacity.events || this.windows.size > this.capacity.keys)
      this.evictLeastRecentlyUsed();
  }

  /**
   * Evicts keys until a tenth of the capacity is free, because iterating a Map is slow after many
   * deletions at its start.
   */
  private evictLeastRecentlyUsed(): void {
    const { events, keys } = this.capacity;
    for (const [key, window] of this.windows) {
      if (this.eventCount <= 0.9 * events && this.windows.size <= 0.9 * keys) return;
      this.windows.delete(key);
      this.eventCount -= window.size;
    }
  }
}
