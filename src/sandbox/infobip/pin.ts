import { randomInt } from 'node:crypto';
import { isEmail, type PinType, type Template } from './template.js';

/** A PIN that was made and may be verified. */
export interface Pin {
  pinId: string;
  readonly applicationId: string;
  /** As the caller wrote it. */
  readonly to: string;
  readonly pin: string;
  /** As it was when the PIN was sent. */
  readonly template: Template;
  readonly from: string;
  placeholders: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch, as all times here. */
  readonly expiresAt: number;
  wrongTries: number;
  sentAt?: number;
  verifiedAt?: number;
}

const ALPHABETS: Record<PinType, string> = {
  NUMERIC: '0123456789',
  ALPHA: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  HEX: '0123456789ABCDEF',
  ALPHANUMERIC: '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ',
};

export function randomPin({ pinType, pinLength }: Template): string {
  const alphabet = ALPHABETS[pinType];
  let pin = '';
  while (pin.length < pinLength) pin += alphabet.charAt(randomInt(alphabet.length));
  return pin;
}

/** What the phone shows. An e-mail is written elsewhere: only its PIN and its template are known. */
export function textOf({ template, placeholders, pin }: Pin): string {
  if (isEmail(template)) return `${pin} (e-mail template ${String(template.emailTemplateId)})`;
  const values = new Map(Object.entries({ ...placeholders, pin }));
  return template.messageText.replace(
    /\{\{([^{}]+)\}\}/g,
    (whole, name: string) => values.get(name) ?? whole,
  );
}

export function defaultSender(template: Template): string {
  if (isEmail(template)) return template.from ?? 'sandbox@sandbox.test';
  return template.senderId ?? 'InfoSMS';
}
