import { Injectable } from '@nestjs/common';

/** The only source of the current time, so that a test can move it. */
@Injectable()
export class Clock {
  /** Milliseconds since the Unix epoch, a whole number. */
  now(): number {
    return Date.now();
  }

  /** Compares itself with what rules it; this machine's own clock has nothing to compare with. */
  async synchronize(): Promise<void> {
    return;
  }
}
