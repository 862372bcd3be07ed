import { normalizeAddress } from '../address.js';
import type { DeliveryOutcome, ForcedOutcome } from '../faults/sandbox-fault.js';
import type { FixedPinStore } from '../fixed-pin-store.js';
import type { MessageInbox } from '../message-inbox.js';
import { ApiError } from './api-error.js';
import type { Application } from './application.js';
import { ApplicationLimits } from './application-limits.js';
import { newId, type Catalogue } from './catalogue.js';
import { deliver, type Channel } from './delivery.js';
import { parseDuration } from './mini-syntax.js';
import { defaultSender, randomPin, textOf, type Pin } from './pin.js';
import type { ResendRequest, SendRequest } from './pin-request.js';
import { Pins } from './pins.js';
import { isEmail } from './template.js';

export interface SendOptions {
  /** Whether the number is looked up before an SMS. */
  readonly lookup?: boolean;
  readonly effect?: ForcedOutcome | undefined;
}

interface Surroundings {
  readonly catalogue: Catalogue;
  readonly phone: MessageInbox;
  readonly fixedPins: FixedPinStore;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Makes, delivers and judges PINs as Infobip 2FA does, in memory. */
export class TwoFactor {
  private readonly pins = new Pins();
  private readonly limits: ApplicationLimits;

  constructor(private readonly around: Surroundings) {
    this.limits = new ApplicationLimits(around.now);
  }

  /**
   * Makes a PIN and delivers it.
   * @throws ApiError 404 for an unknown application or template, 400 for a disabled application or
   * a template of another channel, 429 over a limit.
   */
  send(
    channel: Channel,
    request: SendRequest,
    { lookup = true, effect }: SendOptions = {},
  ): object {
    const { catalogue, fixedPins, now } = this.around;
    const { applicationId, messageId, to, from, placeholders = {} } = request;
    const application = catalogue.application(applicationId);
    const template = catalogue.template(applicationId, messageId);
    if (!application.enabled) throw new ApiError(400, { applicationId: ['is disabled'] });
    if (isEmail(template) !== (channel === 'email'))
      throw new ApiError(400, { messageId: ['is a template of another channel'] });
    this.limitSend(application, to, effect);
    const ttlMs = parseDuration(application.configuration.pinTimeToLive) ?? 0;
    const pin: Pin = {
      pinId: newId(),
      applicationId,
      to,
      pin: fixedPins.findPin(to) ?? randomPin(template),
      template,
      from: from ?? defaultSender(template),
      placeholders,
      expiresAt: now() + (effect === 'expired' ? 0 : ttlMs),
      wrongTries: 0,
    };
    this.pins.keep(pin);
    return this.deliver(channel, pin, request, { lookup, effect });
  }

  /**
   * Delivers a PIN once more: the same one, with its time to live and its attempts unchanged.
   * @throws ApiError 404 for an unknown PIN, 400 for another kind of address, 429 over a limit.
   */
  resend(channel: Channel, pinId: string, request: ResendRequest, effect?: ForcedOutcome): object {
    const pin = this.pins.get(pinId);
    if (isEmail(pin.template) !== (channel === 'email'))
      throw new ApiError(400, { pinId: ['was sent to another kind of address'] });
    this.limitSend(this.around.catalogue.application(pin.applicationId), pin.to, effect);
    if (request.placeholders) pin.placeholders = request.placeholders;
    if (effect === 'new-pin-id') this.pins.rename(pin, newId());
    return this.deliver(channel, pin, request, { lookup: true, effect });
  }

  /**
   * Judges a PIN. The throttle comes first and costs no attempt.
   * @throws ApiError 404 for an unknown PIN, and for a used one that may be verified only once; 429
   * over the limit.
   */
  verify(pinId: string, tried: string, effect?: ForcedOutcome): object {
    const pin = this.pins.get(pinId);
    const application = this.around.catalogue.application(pin.applicationId);
    const { pinAttempts, allowMultiplePinVerifications } = application.configuration;
    if (effect !== 'delivered') this.limits.countVerify(application, normalizeAddress(pin.to));
    if (pin.verifiedAt !== undefined && !allowMultiplePinVerifications) throw new ApiError(404);
    const now = this.around.now();
    const answer = (verified: boolean, attemptsRemaining: number, pinError?: string) => ({
      pinId,
      msisdn: effect === 'wrong-msisdn' ? anotherNumber(pin.to) : pin.to,
      verified,
      attemptsRemaining,
      ...(pinError !== undefined && { pinError }),
    });
    if (effect === 'expired' || now >= pin.expiresAt) return answer(false, 0, 'TTL_EXPIRED');
    if (effect === 'exhausted' || pin.wrongTries >= pinAttempts)
      return answer(false, 0, 'NO_MORE_PIN_ATTEMPTS');
    if (tried !== pin.pin) {
      pin.wrongTries += 1;
      return answer(false, Math.max(0, pinAttempts - pin.wrongTries), 'WRONG_PIN');
    }
    pin.verifiedAt ??= now;
    return answer(true, 0);
  }

  /** The PINs that went to an address, newest first. @throws ApiError 404 */
  sentTo(applicationId: string, to: string): readonly Readonly<Pin>[] {
    this.around.catalogue.application(applicationId);
    return this.pins.sentTo(applicationId, to);
  }

  /** Whom a PIN went to, if it is known. */
  addressOf(pinId: string): string | undefined {
    return this.pins.addressOf(pinId);
  }

  private limitSend(application: Application, to: string, effect: ForcedOutcome | undefined): void {
    if (effect !== 'delivered') this.limits.countSend(application, normalizeAddress(to));
  }

  private deliver(
    channel: Channel,
    pin: Pin,
    { trackDelivery = false }: ResendRequest,
    { lookup = true, effect }: SendOptions,
  ): object {
    const { phone, now } = this.around;
    const { pinId, to, from } = pin;
    const { sent, arrives, status } = deliver(channel, deliveryKind(effect), lookup);
    if (sent) pin.sentAt ??= now();
    if (arrives) {
      const sentAt = new Date(now()).toISOString();
      const text = textOf(pin);
      const provider = 'infobip';
      phone.addMessage({ to, from, channel, text, pin: pin.pin, pinId, provider, sentAt });
    }
    return { pinId, to, ...status, ...(trackDelivery && { externalMessageId: newId() }) };
  }
}

function deliveryKind(effect: ForcedOutcome | undefined): DeliveryOutcome {
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
function anotherNumber(to: string): string {
  if (to.includes('@')) return `not-${to}`;
  return to.slice(0, -1) + String((Number(to.slice(-1)) + 1) % 10);
}
