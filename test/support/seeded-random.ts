import { createHash } from 'node:crypto';

/** A random generator that repeats its sequence for the same seed. */
export class SeededRandom {
  private state: number;

  constructor(private readonly seed: string) {
    this.state = createHash('sha256').update(seed).digest().readUInt32LE();
  }

  /** An independent generator for one part of a test: other parts do not change its sequence. */
  for(part: string): SeededRandom {
    return new SeededRandom(`${this.seed} ${part}`);
  }

  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  oneOf<T>(items: readonly T[]): T {
    return items[this.between(0, items.length - 1)] as T;
  }

  /** `true` with a probability of one in `times`. */
  oneIn(times: number): boolean {
    return this.between(1, times) === 1;
  }

  /** Mulberry32: a number from 0 to below 1. */
  private next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
