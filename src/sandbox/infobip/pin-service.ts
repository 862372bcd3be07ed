import { normalizeAddress } from '../address.js';
import type { DeliveryOutcome, ForcedOutcome } from '../faults/sandbox-fault.js';
import type { FixedPinStore } from '../fixed-pin-store.js';
import type { MessageInbox } from '../message-inbox.js';
import { InfobipError } from './infobip-error.js';
import type { InfobipApplication } from './infobip-application.js';
import { ApplicationLimits } from './application-limits.js';
import { generateId, type ApplicationStore } from './application-store.js';
import { simulateDelivery, type InfobipChannel } from './simulate-delivery.js';
import { parseDuration } from './limit-syntax.js';
import { getDefaultSender, generatePin, renderText, type IssuedPin } from './issued-pin.js';
import type { PinResendRequest, PinSendRequest } from './pin-requests.js';
import { PinStore } from './pin-store.js';
import { isEmailTemplate } from './message-template.js';

export interface PinSendOptions {
  /** Whether the number is looked up before an SMS. */
  readonly lookup?: boolean;
  readonly outcome?: ForcedOutcome | undefined;
}

interface PinServiceDependencies {
  readonly applications: ApplicationStore;
  readonly inbox: MessageInbox;
  readonly fixedPins: FixedPinStore;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Makes, delivers and judges PINs as Infobip 2FA does, in memory. */
export class PinService {
  private readonly pins = new PinStore();
  private readonly limits: ApplicationLimits;

  constructor(private readonly deps: PinServiceDependencies) {
    this.limits = new ApplicationLimits(deps.now);
  }

  /**
   * Makes a PIN and delivers it.
   * @throws ApiError 404 for an unknown application or template, 400 for a disabled application or
   * a template of another channel, 429 over a limit.
   */
  sendPin(
    channel: InfobipChannel,
    request: PinSendRequest,
    { lookup = true, outcome: effect }: PinSendOptions = {},
  ): object {
    const { applications: catalogue, fixedPins: fixedPins, now } = this.deps;
    const { applicationId, messageId, to, from, placeholders = {} } = request;
    const application = catalogue.application(applicationId);
    const template = catalogue.template(applicationId, messageId);
    if (!application.enabled) throw new InfobipError(400, { applicationId: ['is disabled'] });
    if (isEmailTemplate(template) !== (channel === 'email'))
      throw new InfobipError(400, { messageId: ['is a template of another channel'] });
    this.countSend(application, to, effect);
    const ttlMs = parseDuration(application.configuration.pinTimeToLive) ?? 0;
    const pin: IssuedPin = {
      pinId: generateId(),
      applicationId,
      to,
      pin: fixedPins.findPin(to) ?? generatePin(template),
      template,
      from: from ?? getDefaultSender(template),
      placeholders,
      expiresAt: now() + (effect === 'expired' ? 0 : ttlMs),
      failedAttempts: 0,
    };
    this.pins.addPin(pin);
    return this.deliverPin(channel, pin, request, { lookup, outcome: effect });
  }

  /**
   * Delivers a PIN once more: the same one, with its time to live and its attempts unchanged.
   * @throws ApiError 404 for an unknown PIN, 400 for another kind of address, 429 over a limit.
   */
  resendPin(
    channel: InfobipChannel,
    pinId: string,
    request: PinResendRequest,
    effect?: ForcedOutcome,
  ): object {
    const pin = this.pins.getPin(pinId);
    if (isEmailTemplate(pin.template) !== (channel === 'email'))
      throw new InfobipError(400, { pinId: ['was sent to another kind of address'] });
    this.countSend(this.deps.applications.application(pin.applicationId), pin.to, effect);
    if (request.placeholders) pin.placeholders = request.placeholders;
    if (effect === 'new-pin-id') this.pins.changePinId(pin, generateId());
    return this.deliverPin(channel, pin, request, { lookup: true, outcome: effect });
  }

  /**
   * Judges a PIN. The throttle comes first and costs no attempt.
   * @throws ApiError 404 for an unknown PIN, and for a used one that may be verified only once; 429
   * over the limit.
   */
  verifyPin(pinId: string, tried: string, effect?: ForcedOutcome): object {
    const pin = this.pins.getPin(pinId);
    const application = this.deps.applications.application(pin.applicationId);
    const { pinAttempts, allowMultiplePinVerifications } = application.configuration;
    if (effect !== 'delivered') this.limits.countVerify(application, normalizeAddress(pin.to));
    if (pin.verifiedAt !== undefined && !allowMultiplePinVerifications) throw new InfobipError(404);
    const now = this.deps.now();
    const answer = (verified: boolean, attemptsRemaining: number, pinError?: string) => ({
      pinId,
      msisdn: effect === 'wrong-msisdn' ? changeAddress(pin.to) : pin.to,
      verified,
      attemptsRemaining,
      ...(pinError !== undefined && { pinError }),
    });
    if (effect === 'expired' || now >= pin.expiresAt) return answer(false, 0, 'TTL_EXPIRED');
    if (effect === 'exhausted' || pin.failedAttempts >= pinAttempts)
      return answer(false, 0, 'NO_MORE_PIN_ATTEMPTS');
    if (tried !== pin.pin) {
      pin.failedAttempts += 1;
      return answer(false, Math.max(0, pinAttempts - pin.failedAttempts), 'WRONG_PIN');
    }
    pin.verifiedAt ??= now;
    return answer(true, 0);
  }

  /** The PINs that went to an address, newest first. @throws ApiError 404 */
  listPinsSentTo(applicationId: string, to: string): readonly Readonly<IssuedPin>[] {
    this.deps.applications.application(applicationId);
    return this.pins.listPinsSentTo(applicationId, to);
  }

  /** Whom a PIN went to, if it is known. */
  findAddress(pinId: string): string | undefined {
    return this.pins.findAddress(pinId);
  }

  private countSend(
    application: InfobipApplication,
    to: string,
    effect: ForcedOutcome | undefined,
  ): void {
    if (effect !== 'delivered') this.limits.countSend(application, normalizeAddress(to));
  }

  private deliverPin(
    channel: InfobipChannel,
    pin: IssuedPin,
    { trackDelivery = false }: PinResendRequest,
    { lookup = true, outcome: effect }: PinSendOptions,
  ): object {
    const { inbox: phone, now } = this.deps;
    const { pinId, to, from } = pin;
    const { sent, arrives, status } = simulateDelivery(channel, toDeliveryOutcome(effect), lookup);
    if (sent) pin.sentAt ??= now();
    if (arrives) {
      const sentAt = new Date(now()).toISOString();
      const text = renderText(pin);
      const provider = 'infobip';
      phone.addMessage({ to, from, channel, text, pin: pin.pin, pinId, provider, sentAt });
    }
    return { pinId, to, ...status, ...(trackDelivery && { externalMessageId: generateId() }) };
  }
}

function toDeliveryOutcome(effect: ForcedOutcome | undefined): DeliveryOutcome {
  switch (effect) {
    case undefined:
    case 'expired':
    case 'exhausted':
    case 'new-pin-id':
    case 'wrong-msisdn':
      return 'delivered';
    default:
      return effect;
  }
}

/** Of the same form. */
function changeAddress(to: string): string {
  if (to.includes('@')) return `not-${to}`;
  return to.slice(0, -1) + String((Number(to.slice(-1)) + 1) % 10);
}
