import type { ThrottlerStorage } from '@nestjs/throttler';
import type { Clock } from '../common/clock.js';
import { toThrottlerRecord } from './throttler-record.js';

interface Window {
  hits: number;
  /** Milliseconds since the Unix epoch; at this moment it has ended. */
  readonly endsAt: number;
}

/**
 * Counts hits in this process, in fixed windows.
 *
 * Windows are kept in two generations, and the older one is dropped whole, once every window in it
 * must have ended. So nothing is scheduled and nothing is searched for what may be forgotten, and
 * the windows kept are at most those that were opened within two of the longest.
 */
export class MemoryThrottlerStorage implements ThrottlerStorage {
  private older = new Map<string, Window>();
  private newer = new Map<string, Window>();
  private longestMs = 0;
  /** When the newer generation becomes the older one, in milliseconds since the Unix epoch. */
  private turnAt = 0;

  constructor(private readonly clock: Clock) {}

  /** How many windows are kept, ended ones included. */
  get size(): number {
    return this.older.size + this.newer.size;
  }

  /** Counts one hit on a key whose window, if it has none, lasts `ttlMs` from now. */
  async increment(
    key: string,
    ttlMs: number,
    limit: number,
  ): ReturnType<ThrottlerStorage['increment']> {
    const now = this.clock.now();
    this.longestMs = Math.max(this.longestMs, ttlMs);
    if (now >= this.turnAt) this.turn(now);
    const window = this.open(key, now) ?? this.start(key, now + ttlMs);
    window.hits += 1;
    return toThrottlerRecord(window.hits, window.endsAt - now, limit);
  }

  private open(key: string, now: number): Window | undefined {
    const window = this.newer.get(key) ?? this.older.get(key);
    return window && now < window.endsAt ? window : undefined;
  }

  private start(key: string, endsAt: number): Window {
    const window = { hits: 0, endsAt };
    this.newer.set(key, window);
    return window;
  }

  private turn(now: number): void {
    this.older = this.newer;
    this.newer = new Map();
    this.turnAt = now + this.longestMs;
  }
}
