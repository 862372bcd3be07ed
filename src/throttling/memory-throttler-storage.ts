import type { ThrottlerStorage } from '@nestjs/throttler';
import type { Clock } from '../common/clock.js';
import { toThrottlerRecord, type ThrottlerRecord } from '../http/rate-limit-headers.js';

interface RateLimitWindow {
  hits: number;
  /** Epoch milliseconds, exclusive. */
  readonly endsAt: number;
}

/**
 * Counts hits in process, in fixed windows. Windows are kept in two maps; the previous one is dropped
 * whole once all its windows have ended, so expiry needs no timer and no scan.
 */
export class MemoryThrottlerStorage implements ThrottlerStorage {
  private previous = new Map<string, RateLimitWindow>();
  private current = new Map<string, RateLimitWindow>();
  private maxTtlMs = 0;
  /** When `current` becomes `previous`, in epoch milliseconds. */
  private rotateAt = 0;

  constructor(private readonly clock: Clock) {}

  /** Number of windows in memory, ended ones included. */
  get size(): number {
    return this.previous.size + this.current.size;
  }

  /** Counts one hit. Starts a window of `ttlMs` if none is open for the key. */
  async increment(key: string, ttlMs: number, limit: number): Promise<ThrottlerRecord> {
    const now = this.clock.now();
    this.maxTtlMs = Math.max(this.maxTtlMs, ttlMs);
    if (now >= this.rotateAt) {
      this.previous = this.current;
      this.current = new Map();
      this.rotateAt = now + this.maxTtlMs;
    }
    let window = this.current.get(key) ?? this.previous.get(key);
    if (!window || now >= window.endsAt) {
      window = { hits: 0, endsAt: now + ttlMs };
      this.current.set(key, window);
    }
    window.hits += 1;
    return toThrottlerRecord(window.hits, window.endsAt - now, limit);
  }
}
