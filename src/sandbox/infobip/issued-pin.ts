import { DIGITS, generateCode, LETTERS } from '../generate-code.js';
import { isEmailTemplate, type MessageTemplate, type PinType } from './message-template.js';

/** A generated PIN and the state of its verification. All times are in ms since the epoch. */
export interface IssuedPin {
  /** Changes only if a resend is made with the simulated fault `new-pin-id`. */
  pinId: string;
  readonly applicationId: string;
  /** The recipient as the client wrote it. */
  readonly to: string;
  /** What the end user types. */
  readonly code: string;
  /** The template at the time of the send. */
  readonly template: MessageTemplate;
  readonly from: string;
  /** Values for the placeholders of the template, by name. */
  placeholders: Readonly<Record<string, string>>;
  readonly expiresAt: number;
  failedAttempts: number;
  /** When the first message was sent; `undefined` if none was. */
  sentAt?: number;
  /** When the PIN was first verified. */
  verifiedAt?: number;
}

const ALPHABETS: Record<PinType, string> = {
  NUMERIC: DIGITS,
  ALPHA: LETTERS,
  HEX: `${DIGITS}ABCDEF`,
  ALPHANUMERIC: DIGITS + LETTERS,
};

export function generatePinCode({ pinType, pinLength }: MessageTemplate): string {
  return generateCode(ALPHABETS[pinType], pinLength);
}

/**
 * Renders the text of an SMS or a call. For an e-mail it returns the code and the template's id, because
 * Infobip keeps the text of e-mails elsewhere.
 */
export function renderText({ template, placeholders, code }: IssuedPin): string {
  if (isEmailTemplate(template))
    return `${code} (e-mail template ${String(template.emailTemplateId)})`;
  const values = new Map(Object.entries({ ...placeholders, pin: code }));
  return template.messageText.replace(
    /\{\{([^{}]+)\}\}/g,
    (placeholder, name: string) => values.get(name) ?? placeholder,
  );
}

export function getDefaultSender(template: MessageTemplate): string {
  if (isEmailTemplate(template)) return template.from ?? 'sandbox@sandbox.test';
  return template.senderId ?? 'InfoSMS';
}
