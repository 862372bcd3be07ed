/** A clock that can be moved. It keeps running at the speed of the system clock. */
export class SandboxClock {
  private offsetMs = 0;

  /** @param readSystemTime returns milliseconds since the epoch. */
  constructor(private readonly readSystemTime: () => number) {}

  /** Milliseconds since the epoch. */
  now(): number {
    return this.readSystemTime() + this.offsetMs;
  }

  /** @param timeMs milliseconds since the epoch. */
  setTime(timeMs: number): void {
    this.offsetMs = timeMs - this.readSystemTime();
  }

  /** Returns to the system time. */
  resetTime(): void {
    this.offsetMs = 0;
  }
}
