import { InfobipError } from './infobip-error.js';
import type { InfobipApplication } from './infobip-application.js';
import { parseLimit } from './limit-syntax.js';
import { SlidingWindows } from './sliding-windows.js';

/** The three limits that an application sets. */
export class ApplicationLimits {
  private readonly sendsByApplication: SlidingWindows;
  private readonly sendsByNumber: SlidingWindows;
  private readonly verifiesByNumber: SlidingWindows;

  /** @param now milliseconds since the epoch. */
  constructor(now: () => number) {
    this.sendsByApplication = new SlidingWindows(now);
    this.sendsByNumber = new SlidingWindows(now);
    this.verifiesByNumber = new SlidingWindows(now);
  }

  /** Counts one send against both of its limits. @throws ApiError 429 and counts nothing. */
  countSend({ applicationId, configuration }: InfobipApplication, address: string): void {
    const number = `${applicationId} ${address}`;
    assertBelowLimit(
      this.sendsByApplication,
      applicationId,
      configuration.sendPinPerApplicationLimit,
    );
    assertBelowLimit(this.sendsByNumber, number, configuration.sendPinPerPhoneNumberLimit);
    this.sendsByApplication.count(applicationId);
    this.sendsByNumber.count(number);
  }

  /** Counts one verify call. @throws ApiError 429 and counts nothing. */
  countVerify({ applicationId, configuration }: InfobipApplication, address: string): void {
    const number = `${applicationId} ${address}`;
    assertBelowLimit(this.verifiesByNumber, number, configuration.verifyPinLimit);
    this.verifiesByNumber.count(number);
  }
}

function assertBelowLimit(windows: SlidingWindows, key: string, written: string): void {
  const limit = parseLimit(written);
  const waitMs = limit ? windows.getWaitMs(key, limit) : 0;
  if (waitMs > 0)
    throw new InfobipError(429, undefined, { retryAfterS: Math.ceil(waitMs / 1_000) });
}
