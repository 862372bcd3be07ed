import type { InfobipApplication } from './infobip-application.js';
import { InfobipError } from './infobip-error.js';
import { parseLimit } from './limit-syntax.js';
import { SlidingWindows } from './sliding-windows.js';

/** Enforces the three limits of an application's configuration. */
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

  /** Counts a send against both send limits. @throws InfobipError 429, without counting. */
  countSend({ applicationId, configuration }: InfobipApplication, address: string): void {
    const number = `${applicationId} ${address}`;
    const { sendPinPerApplicationLimit, sendPinPerPhoneNumberLimit } = configuration;
    assertBelowLimit(this.sendsByApplication, applicationId, sendPinPerApplicationLimit);
    assertBelowLimit(this.sendsByNumber, number, sendPinPerPhoneNumberLimit);
    this.sendsByApplication.countEvent(applicationId);
    this.sendsByNumber.countEvent(number);
  }

  /** Counts a verify call. @throws InfobipError 429, without counting. */
  countVerify({ applicationId, configuration }: InfobipApplication, address: string): void {
    const number = `${applicationId} ${address}`;
    assertBelowLimit(this.verifiesByNumber, number, configuration.verifyPinLimit);
    this.verifiesByNumber.countEvent(number);
  }
}

function assertBelowLimit(windows: SlidingWindows, key: string, limitText: string): void {
  const limit = parseLimit(limitText);
  const waitMs = limit ? windows.getWaitMs(key, limit) : 0;
  if (waitMs > 0)
    throw new InfobipError(429, undefined, { retryAfterS: Math.ceil(waitMs / 1_000) });
}
