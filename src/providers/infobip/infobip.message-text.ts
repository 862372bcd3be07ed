import { SetupOptionError } from '../account-setup.js';

const PIN = '{{pin}}';
/** Replaces `{{pin}}` when a text is measured or shown. */
const SAMPLE_DIGITS = '12345678';
/** The last line, which binds the code to a host (WICG, origin-bound one-time codes). */
const WEB_OTP_LINE = /\n+@[^\s@#]+ #\{\{pin\}\}$/;
const HOST = /^(?=.{1,253}$)([a-z\d]([a-z\d-]{0,61}[a-z\d])?\.)+[a-z][a-z\d-]*[a-z\d]$|^localhost$/;

/** Whether a text has a place for the code. */
export const hasPin = (text: string): boolean => text.includes(PIN);

/** Placeholders other than `{{pin}}`, which are never filled in. */
export function foreignPlaceholders(text: string): string[] {
  return (text.match(/\{\{[^{}]*\}\}/g) ?? []).filter((placeholder) => placeholder !== PIN);
}

/** The text with a code of this length. */
export const withSamplePin = (text: string, pinLength: number): string =>
  text.replaceAll(PIN, SAMPLE_DIGITS.slice(0, pinLength));

/**
 * Checks a text and, for a host, appends the line that binds the code to that host.
 * @throws SetupOptionError
 */
export function composeText(text: string, webOtpHost: string | undefined): string {
  if (!hasPin(text)) throw new SetupOptionError('The message text must contain {{pin}}.');
  const foreign = foreignPlaceholders(text);
  if (foreign.length > 0) {
    throw new SetupOptionError(
      `Unknown placeholders ${foreign.join(', ')}: {{pin}} is the only one.`,
    );
  }
  if (webOtpHost === undefined) return text;
  if (!HOST.test(webOtpHost)) {
    throw new SetupOptionError('The WebOTP host must be a host name such as example.com.');
  }
  const message = text.replace(WEB_OTP_LINE, '').trimEnd();
  if (!hasPin(message))
    throw new SetupOptionError('The message text must contain {{pin}} above the WebOTP line too.');
  return `${message}\n\n@${webOtpHost} #${PIN}`;
}
