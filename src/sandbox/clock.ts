/** The sandbox's time: that of the clock beneath it, as far ahead or behind as it was asked to be. */
export class SandboxClock {
  private aheadMs = 0;

  /** @param base milliseconds since the epoch. */
  constructor(private readonly base: () => number) {}

  /** Milliseconds since the epoch. */
  now(): number {
    return this.base() + this.aheadMs;
  }

  /** Makes it this time now; it runs on from there. */
  set(now: number): void {
    this.aheadMs = now - this.base();
  }

  /** Back to the clock beneath. */
  reset(): void {
    this.aheadMs = 0;
  }
}
