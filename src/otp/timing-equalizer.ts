import { setTimeout as delay } from 'node:timers/promises';

/** How many recorded durations are kept. */
const SAMPLE_SIZE = 64;

/** The duration that is assumed until the first check was recorded, in milliseconds. */
const DEFAULT_MS = 150;

/**
 * Delays rejections to match provider latency, so that the response time does not reveal whether a
 * phone number is known: the provider is called for known numbers only.
 */
export class TimingEqualizer {
  private readonly durationsMs = [DEFAULT_MS];
  /** Where the next duration is stored. Once all places are filled, it replaces the oldest one. */
  private nextIndex = 0;

  /**
   * Records the duration of a request whose code was checked.
   * @param startedAt the start of the request, as `performance.now()`
   */
  record(startedAt: number): void {
    this.durationsMs[this.nextIndex] = performance.now() - startedAt;
    this.nextIndex = (this.nextIndex + 1) % SAMPLE_SIZE;
  }

  /** Waits until the request has lasted as long as a recorded request, chosen at random. */
  async delay(startedAt: number): Promise<void> {
    const index = Math.floor(Math.random() * this.durationsMs.length);
    const remainingMs = startedAt + (this.durationsMs[index] ?? 0) - performance.now();
    if (remainingMs > 0) await delay(remainingMs);
  }
}
