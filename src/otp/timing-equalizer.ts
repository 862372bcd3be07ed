import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';

/** How many durations are remembered. */
const REMEMBERED = 64;

/** What a provider's judgement takes, in milliseconds, until one has been seen. */
const TYPICAL_MS = 150;

/**
 * Makes a refusal take as long as a judgement, so that time does not tell whether a number is known.
 * Answering at once would: only for a number that is known is the provider asked.
 */
@Injectable()
export class TimingEqualizer {
  private readonly durationsMs = [TYPICAL_MS];
  private next = 0;

  /** A code was judged, for a request that began at this `performance.now()`. */
  record(beganAt: number): void {
    this.durationsMs[this.next] = performance.now() - beganAt;
    this.next = (this.next + 1) % REMEMBERED;
  }

  /** Waits until the request has lasted as long as one of those that were judged lately. */
  async delay(beganAt: number): Promise<void> {
    const likeMs = this.durationsMs[Math.floor(Math.random() * this.durationsMs.length)] ?? 0;
    const restMs = beganAt + likeMs - performance.now();
    if (restMs > 0) await delay(restMs);
  }
}
