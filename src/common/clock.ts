import { Injectable } from '@nestjs/common';

/** The only source of the current time, so that a test can move it. */
@Injectable()
export class Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number {
    return Date.now();
  }
}
