import { DIGITS, generateCode, LETTERS } from '../generate-code.js';
import { isEmailTemplate, type MessageTemplate, type PinType } from './message-template.js';

/** A generated PIN that can be verified. All times are in ms since the epoch. */
export interface IssuedPin {
  pinId: string;
  readonly applicationId: string;
  /** The recipient as the client wrote it. */
  readonly to: string;
  readonly pin: string;
  /** The template at the time of the send. */
  readonly template: MessageTemplate;
  readonly from: string;
  placeholders: Readonly<Record<string, string>>;
  readonly expiresAt: number;
  failedAttempts: number;
  /** When the first message was sent. */
  sentAt?: number;
  verifiedAt?: number;
}

const ALPHABETS: Record<PinType, string> = {
  NUMERIC: DIGITS,
  ALPHA: LETTERS,
  HEX: `${DIGITS}ABCDEF`,
  ALPHANUMERIC: DIGITS + LETTERS,
};

export function generatePin({ pinType, pinLength }: MessageTemplate): string {
  return generateCode(ALPHABETS[pinType], pinLength);
}

/** Fills in the template. The text of an e-mail is unknown: a client only names its template. */
export function renderText({ template, placeholders, pin }: IssuedPin): string {
  if (isEmailTemplate(template))
    return `${pin} (e-mail template ${String(template.emailTemplateId)})`;
  const values = new Map(Object.entries({ ...placeholders, pin }));
  return template.messageText.replace(
    /\{\{([^{}]+)\}\}/g,
    (placeholder, name: string) => values.get(name) ?? placeholder,
  );
}

export function getDefaultSender(template: MessageTemplate): string {
  if (isEmailTemplate(template)) return template.from ?? 'sandbox@sandbox.test';
  return template.senderId ?? 'InfoSMS';
}
