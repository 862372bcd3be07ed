import { ApiError } from './api-error.js';
import type { Application } from './application.js';
import { parseLimit } from './mini-syntax.js';
import { SlidingWindows } from './sliding-windows.js';

/** The three limits that an application sets. */
export class ApplicationLimits {
  private readonly ofApplications: SlidingWindows;
  private readonly ofNumbers: SlidingWindows;
  private readonly ofVerifies: SlidingWindows;

  /** @param now milliseconds since the epoch. */
  constructor(now: () => number) {
    this.ofApplications = new SlidingWindows(now);
    this.ofNumbers = new SlidingWindows(now);
    this.ofVerifies = new SlidingWindows(now);
  }

  /** Counts one send against both of its limits. @throws ApiError 429 and counts nothing. */
  countSend({ applicationId, configuration }: Application, address: string): void {
    const number = `${applicationId} ${address}`;
    refuseWhile(this.ofApplications, applicationId, configuration.sendPinPerApplicationLimit);
    refuseWhile(this.ofNumbers, number, configuration.sendPinPerPhoneNumberLimit);
    this.ofApplications.count(applicationId);
    this.ofNumbers.count(number);
  }

  /** Counts one verify call. @throws ApiError 429 and counts nothing. */
  countVerify({ applicationId, configuration }: Application, address: string): void {
    const number = `${applicationId} ${address}`;
    refuseWhile(this.ofVerifies, number, configuration.verifyPinLimit);
    this.ofVerifies.count(number);
  }
}

function refuseWhile(windows: SlidingWindows, key: string, written: string): void {
  const limit = parseLimit(written);
  const waitMs = limit ? windows.waitMs(key, limit) : 0;
  if (waitMs > 0) throw new ApiError(429, undefined, { retryAfterS: Math.ceil(waitMs / 1_000) });
}
