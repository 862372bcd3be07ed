import { Injectable } from '@nestjs/common';

/** The only source of the current time, so that tests can control it. */
@Injectable()
export class Clock {
  /** Milliseconds since the Unix epoch, a whole number. */
  now(): number {
    return Date.now();
  }

  /** Synchronizes with the authoritative clock; does nothing for the system clock. */
  async sync(): Promise<void> {
    return;
  }
}
