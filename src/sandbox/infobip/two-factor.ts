import { randomBytes, randomInt } from 'node:crypto';
import type { Channel, Phone } from '../phone.js';
import { ApiError } from './api-error.js';
import { parseDuration } from './mini-syntax.js';
import type { Application, PinRequest, Template } from './schemas.js';

interface Pin {
  readonly pinId: string;
  readonly to: string;
  readonly pin: string;
  readonly application: Application;
  readonly template: Template;
  readonly from: string;
  readonly placeholders: Readonly<Record<string, string>>;
  readonly expiresAt: number;
  wrongTries: number;
  verified: boolean;
}

const ALPHABETS: Record<Template['pinType'], string> = {
  NUMERIC: '0123456789',
  ALPHA: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  HEX: '0123456789ABCDEF',
  ALPHANUMERIC: '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ',
};

/** Far more than any run needs; it keeps a sandbox that is left running from growing. */
const KEPT_PINS = 100_000;

const newId = () => randomBytes(16).toString('hex').toUpperCase();

/** Applications, templates and PINs as Infobip 2FA keeps them, in memory. */
export class TwoFactor {
  private readonly applications = new Map<string, Application>();
  private readonly templates = new Map<string, Template>();
  private readonly pins = new Map<string, Pin>();

  constructor(
    private readonly phone: Phone,
    private readonly now: () => number,
  ) {}

  saveApplication(
    fields: Omit<Application, 'applicationId'>,
    applicationId = newId(),
  ): Application {
    const application = { applicationId, ...fields };
    this.applications.set(applicationId, application);
    return application;
  }

  /** @throws ApiError 404 */
  application(applicationId: string): Application {
    return found(this.applications.get(applicationId));
  }

  listApplications(): Application[] {
    return [...this.applications.values()];
  }

  /** @throws ApiError 404 where there is no such application. */
  saveTemplate(
    applicationId: string,
    fields: Omit<Template, 'messageId' | 'applicationId'>,
    messageId = newId(),
  ): Template {
    this.application(applicationId);
    const template = { messageId, applicationId, ...fields };
    this.templates.set(messageId, template);
    return template;
  }

  /** @throws ApiError 404 */
  template(applicationId: string, messageId: string): Template {
    const template = this.templates.get(messageId);
    return found(template?.applicationId === applicationId ? template : undefined);
  }

  listTemplates(applicationId: string): Template[] {
    this.application(applicationId);
    return [...this.templates.values()].filter(
      (template) => template.applicationId === applicationId,
    );
  }

  /**
   * Makes a PIN and delivers it.
   * @throws ApiError 404 for an unknown application or template, 400 for a disabled application.
   */
  send(
    channel: Channel,
    { applicationId, messageId, to, from, placeholders = {} }: PinRequest,
  ): object {
    const application = this.application(applicationId);
    const template = this.template(applicationId, messageId);
    if (!application.enabled) throw new ApiError(400, { applicationId: ['is disabled'] });
    const pin: Pin = {
      pinId: newId(),
      to,
      pin: newPin(template),
      application,
      template,
      from: from ?? template.senderId ?? 'InfoSMS',
      placeholders,
      expiresAt: this.now() + (parseDuration(application.configuration.pinTimeToLive) ?? 0),
      wrongTries: 0,
      verified: false,
    };
    this.keep(pin);
    return this.deliver(channel, pin);
  }

  /**
   * Delivers a PIN once more: the same one, under the same id, with its time to live unchanged.
   * @throws ApiError 404 for an unknown PIN.
   */
  resend(channel: Channel, pinId: string): object {
    return this.deliver(channel, found(this.pins.get(pinId)));
  }

  /** @throws ApiError 404 for an unknown PIN, and for a used one that may be verified only once. */
  verify(pinId: string, tried: string): object {
    const pin = found(this.pins.get(pinId));
    const { pinAttempts, allowMultiplePinVerifications } = pin.application.configuration;
    if (pin.verified && !allowMultiplePinVerifications) throw new ApiError(404);
    const answer = (verified: boolean, attemptsRemaining: number, pinError?: string) => ({
      pinId,
      msisdn: pin.to,
      verified,
      attemptsRemaining,
      ...(pinError !== undefined && { pinError }),
    });
    if (this.now() >= pin.expiresAt) return answer(false, 0, 'TTL_EXPIRED');
    if (pin.wrongTries >= pinAttempts) return answer(false, 0, 'NO_MORE_PIN_ATTEMPTS');
    if (tried !== pin.pin) {
      pin.wrongTries += 1;
      return answer(false, pinAttempts - pin.wrongTries, 'WRONG_PIN');
    }
    pin.verified = true;
    return answer(true, 0);
  }

  private deliver(channel: Channel, pin: Pin): object {
    const { pinId, to, from, template, placeholders } = pin;
    this.phone.receive({
      to,
      from,
      channel,
      text: fill(template.messageText, { ...placeholders, pin: pin.pin }),
      pin: pin.pin,
      pinId,
      sentAt: new Date(this.now()).toISOString(),
    });
    return channel === 'voice'
      ? { pinId, to, callStatus: 'PENDING_ACCEPTED' }
      : { pinId, to, ncStatus: 'NC_DESTINATION_REACHABLE', smsStatus: 'MESSAGE_SENT' };
  }

  private keep(pin: Pin): void {
    this.pins.set(pin.pinId, pin);
    const [oldest] = this.pins.keys();
    if (this.pins.size > KEPT_PINS && oldest !== undefined) this.pins.delete(oldest);
  }
}

function found<T>(item: T | undefined): T {
  if (item === undefined) throw new ApiError(404);
  return item;
}

function newPin({ pinType, pinLength }: Template): string {
  const alphabet = ALPHABETS[pinType];
  return Array.from({ length: pinLength }, () => alphabet.charAt(randomInt(alphabet.length))).join(
    '',
  );
}

function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{\{(\w+)\}\}/g, (whole, name: string) => values[name] ?? whole);
}
