import { randomInt } from 'node:crypto';
import { isEmailTemplate, type PinType, type MessageTemplate } from './message-template.js';

/** A PIN that was made and may be verified. */
export interface IssuedPin {
  pinId: string;
  readonly applicationId: string;
  /** As the caller wrote it. */
  readonly to: string;
  readonly pin: string;
  /** As it was when the PIN was sent. */
  readonly template: MessageTemplate;
  readonly from: string;
  placeholders: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch, as all times here. */
  readonly expiresAt: number;
  failedAttempts: number;
  sentAt?: number;
  verifiedAt?: number;
}

const ALPHABETS: Record<PinType, string> = {
  NUMERIC: '0123456789',
  ALPHA: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  HEX: '0123456789ABCDEF',
  ALPHANUMERIC: '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ',
};

export function generatePin({ pinType, pinLength }: MessageTemplate): string {
  const alphabet = ALPHABETS[pinType];
  let pin = '';
  while (pin.length < pinLength) pin += alphabet.charAt(randomInt(alphabet.length));
  return pin;
}

/** What the phone shows. An e-mail is written elsewhere: only its PIN and its template are known. */
export function renderText({ template, placeholders, pin }: IssuedPin): string {
  if (isEmailTemplate(template))
    return `${pin} (e-mail template ${String(template.emailTemplateId)})`;
  const values = new Map(Object.entries({ ...placeholders, pin }));
  return template.messageText.replace(
    /\{\{([^{}]+)\}\}/g,
    (whole, name: string) => values.get(name) ?? whole,
  );
}

export function getDefaultSender(template: MessageTemplate): string {
  if (isEmailTemplate(template)) return template.from ?? 'sandbox@sandbox.test';
  return template.senderId ?? 'InfoSMS';
}
