import type { InfobipApplication } from './infobip-application.js';
import { InfobipError } from './infobip-error.js';
import { parseLimit } from './limit-syntax.js';
import { SlidingWindows } from './sliding-windows.js';

/** Enforces the limits of an application: on sends in total, sends per number and verifies per number. */
export class ApplicationLimits {
  private readonly sendsByApplication: SlidingWindows;
  private readonly sendsByNumber: SlidingWindows;
  private readonly verifiesByNumber: SlidingWindows;

  /** @param now the time by the sandbox's clock, in milliseconds since the epoch */
  constructor(now: () => number) {
    this.sendsByApplication = new SlidingWindows(now);
    this.sendsByNumber = new SlidingWindows(now);
    this.verifiesByNumber = new SlidingWindows(now);
  }

  /**
   * Counts a send or resend against both send limits.
   * @throws InfobipError 429 at a limit; the request is then not counted
   */
  enforceSendLimits({ applicationId, configuration }: InfobipApplication, recipient: string): void {
    const recipientKey = `${applicationId} ${recipient}`;
    const { sendPinPerApplicationLimit, sendPinPerPhoneNumberLimit } = configuration;
    assertBelowLimit(this.sendsByApplication, applicationId, sendPinPerApplicationLimit);
    assertBelowLimit(this.sendsByNumber, recipientKey, sendPinPerPhoneNumberLimit);
    this.sendsByApplication.countEvent(applicationId);
    this.sendsByNumber.countEvent(recipientKey);
  }

  /** Counts a verify. @throws InfobipError 429 at the limit; the request is then not counted */
  enforceVerifyLimit(
    { applicationId, configuration }: InfobipApplication,
    recipient: string,
  ): void {
    const recipientKey = `${applicationId} ${recipient}`;
    assertBelowLimit(this.verifiesByNumber, recipientKey, configuration.verifyPinLimit);
    this.verifiesByNumber.countEvent(recipientKey);
  }
}

function assertBelowLimit(windows: SlidingWindows, key: string, limitText: string): void {
  const limit = parseLimit(limitText);
  const waitMs = limit ? windows.getWaitMs(key, limit) : 0;
  if (waitMs > 0)
    throw new InfobipError(429, undefined, { retryAfterS: Math.ceil(waitMs / 1_000) });
}
