/** The sandbox's time: that of the clock beneath it, as far ahead or behind as it was asked to be. */
export class SandboxClock {
  private offsetMs = 0;

  /** @param readSystemTime milliseconds since the epoch. */
  constructor(private readonly readSystemTime: () => number) {}

  /** Milliseconds since the epoch. */
  now(): number {
    return this.readSystemTime() + this.offsetMs;
  }

  /** Makes it this time now; it runs on from there. */
  setTime(now: number): void {
    this.offsetMs = now - this.readSystemTime();
  }

  /** Back to the clock beneath. */
  resetTime(): void {
    this.offsetMs = 0;
  }
}
