// This folder simulates the Infobip 2FA API: applications, message templates, PINs and limits.
// Routes check the request and call PinService or a store. Data is kept in memory only.
import { createOtherRecipient, normalizeRecipient } from '../recipient.js';
import type { ForcedOutcome } from '../faults/sandbox-fault.js';
import type { FixedPinStore } from '../fixed-pin-store.js';
import { ApplicationLimits } from './application-limits.js';
import { generateId, type ApplicationStore } from './application-store.js';
import type { InfobipApplication } from './infobip-application.js';
import { InfobipError } from './infobip-error.js';
import { generatePinCode, getDefaultSender, type IssuedPin } from './issued-pin.js';
import { parseDuration } from './limit-syntax.js';
import { isEmailTemplate } from './message-template.js';
import { areLimitsEnforced, type PinDelivery, type PinSendOptions } from './pin-delivery.js';
import type { PinResendRequest, PinSendRequest } from './pin-requests.js';
import { PinStore } from './pin-store.js';
import type { InfobipChannel } from './simulate-delivery.js';

interface PinServiceDependencies {
  readonly applications: ApplicationStore;
  readonly fixedPins: FixedPinStore;
  readonly delivery: PinDelivery;
  /** The time by the sandbox's clock, in milliseconds since the epoch. */
  readonly now: () => number;
}

/** Generates and verifies PINs as Infobip 2FA does. */
export class PinService {
  private readonly pins = new PinStore();
  private readonly limits: ApplicationLimits;

  constructor(private readonly deps: PinServiceDependencies) {
    this.limits = new ApplicationLimits(deps.now);
  }

  /**
   * Generates a PIN and delivers it.
   * @throws InfobipError 404 for an unknown application or template, 400 for a disabled application
   * or a template of another channel, 429 over a limit.
   */
  sendPin(
    channel: InfobipChannel,
    request: PinSendRequest,
    options: PinSendOptions = {},
  ): Promise<object> {
    const { applications, fixedPins, now } = this.deps;
    const { applicationId, messageId, to, from, placeholders = {} } = request;
    const application = applications.getApplication(applicationId);
    const template = applications.getTemplate(applicationId, messageId);
    if (!application.enabled) throw new InfobipError(400, { applicationId: ['is disabled'] });
    if (isEmailTemplate(template) !== (channel === 'email'))
      throw new InfobipError(400, { messageId: ['is a template of another channel'] });
    this.enforceSendLimits(application, to, options.forcedOutcome);
    const ttlMs = parseDuration(application.configuration.pinTimeToLive) ?? 0;
    const pin: IssuedPin = {
      pinId: generateId(),
      applicationId,
      to,
      code: fixedPins.findPin(to) ?? generatePinCode(template),
      template,
      from: from ?? getDefaultSender(template),
      placeholders,
      expiresAt: now() + (options.forcedOutcome === 'expired' ? 0 : ttlMs),
      failedAttempts: 0,
    };
    this.pins.addPin(pin);
    return this.deps.delivery.deliverPin(channel, pin, request, options);
  }

  /**
   * Delivers the same PIN again. Its expiry and remaining attempts do not change.
   * @throws InfobipError 404 for an unknown PIN; 400 for a resend by e-mail of a PIN sent to a phone, or
   * the reverse; 429 over a limit.
   */
  resendPin(
    channel: InfobipChannel,
    pinId: string,
    request: PinResendRequest,
    forcedOutcome?: ForcedOutcome,
  ): Promise<object> {
    const pin = this.pins.getPin(pinId);
    if (isEmailTemplate(pin.template) !== (channel === 'email'))
      throw new InfobipError(400, { pinId: ['was sent to another kind of address'] });
    const application = this.deps.applications.getApplication(pin.applicationId);
    this.enforceSendLimits(application, pin.to, forcedOutcome);
    if (request.placeholders) pin.placeholders = request.placeholders;
    if (forcedOutcome === 'new-pin-id') this.pins.changePinId(pin, generateId());
    return this.deps.delivery.deliverPin(channel, pin, request, { forcedOutcome });
  }

  /**
   * Checks the code that the end user typed. A call over the verify limit uses up no attempt.
   * @throws InfobipError 404 for an unknown PIN, or for a verified one if the application does not
   * allow multiple verifications; 429 over the limit.
   */
  verifyPin(pinId: string, submittedCode: string, forcedOutcome?: ForcedOutcome): object {
    const pin = this.pins.getPin(pinId);
    const application = this.deps.applications.getApplication(pin.applicationId);
    const { pinAttempts, allowMultiplePinVerifications } = application.configuration;
    if (areLimitsEnforced(forcedOutcome))
      this.limits.enforceVerifyLimit(application, normalizeRecipient(pin.to));
    if (pin.verifiedAt !== undefined && !allowMultiplePinVerifications) throw new InfobipError(404);
    const now = this.deps.now();
    const buildResponse = (verified: boolean, attemptsRemaining: number, pinError?: string) => ({
      pinId,
      msisdn: forcedOutcome === 'wrong-msisdn' ? createOtherRecipient(pin.to) : pin.to,
      verified,
      attemptsRemaining,
      ...(pinError !== undefined && { pinError }),
    });
    if (forcedOutcome === 'expired' || now >= pin.expiresAt)
      return buildResponse(false, 0, 'TTL_EXPIRED');
    if (forcedOutcome === 'exhausted' || pin.failedAttempts >= pinAttempts)
      return buildResponse(false, 0, 'NO_MORE_PIN_ATTEMPTS');
    if (submittedCode !== pin.code) {
      pin.failedAttempts += 1;
      return buildResponse(false, Math.max(0, pinAttempts - pin.failedAttempts), 'WRONG_PIN');
    }
    pin.verifiedAt ??= now;
    // Infobip does not document `attemptsRemaining` after a success. docs/sandbox.md lists our choice.
    return buildResponse(true, 0);
  }

  /** Lists the PINs of a recipient, newest first. @throws InfobipError 404 for an unknown application. */
  listPinsForRecipient(applicationId: string, to: string): readonly Readonly<IssuedPin>[] {
    this.deps.applications.getApplication(applicationId);
    return this.pins.listPinsForRecipient(applicationId, to);
  }

  /** @returns `undefined` for an unknown PIN. */
  findRecipient(pinId: string): string | undefined {
    return this.pins.findRecipient(pinId);
  }

  private enforceSendLimits(
    application: InfobipApplication,
    to: string,
    forcedOutcome: ForcedOutcome | undefined,
  ): void {
    if (areLimitsEnforced(forcedOutcome))
      this.limits.enforceSendLimits(application, normalizeRecipient(to));
  }
}
