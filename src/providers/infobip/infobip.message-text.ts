import { SetupOptionError } from '../account-setup.js';

const PIN = '{{pin}}';
/** What stands in for `{{pin}}` where a text is measured or shown. */
const SAMPLE_DIGITS = '12345678';
/** The last line by which a browser knows for whom the code is (WICG, origin-bound one-time codes). */
const WEB_OTP_LINE = /\n+@[^\s@#]+ #\{\{pin\}\}$/;
const HOST = /^(?=.{1,253}$)([a-z\d]([a-z\d-]{0,61}[a-z\d])?\.)+[a-z][a-z\d-]*[a-z\d]$|^localhost$/;

/** Whether a text says where the code goes. */
export const hasPin = (text: string): boolean => text.includes(PIN);

/** Placeholders other than `{{pin}}`: this service fills none in. */
export function foreignPlaceholders(text: string): string[] {
  return (text.match(/\{\{[^{}]*\}\}/g) ?? []).filter((placeholder) => placeholder !== PIN);
}

/** The text with a code of this length in it. */
export const withSamplePin = (text: string, pinLength: number): string =>
  text.replaceAll(PIN, SAMPLE_DIGITS.slice(0, pinLength));

/**
 * Checks a text and, for a host, ends it in the line that binds the code to that host.
 * @throws WishError
 */
export function composeText(text: string, webOtpHost: string | undefined): string {
  if (!hasPin(text)) throw new SetupOptionError('The message text must contain {{pin}}.');
  const foreign = foreignPlaceholders(text);
  if (foreign.length > 0) {
    throw new SetupOptionError(
      `Nothing fills in ${foreign.join(', ')}: {{pin}} is the only placeholder.`,
    );
  }
  if (webOtpHost === undefined) return text;
  if (!HOST.test(webOtpHost)) {
    throw new SetupOptionError('The WebOTP host must be a host name such as example.com.');
  }
  const message = text.replace(WEB_OTP_LINE, '').trimEnd();
  if (!hasPin(message))
    throw new SetupOptionError('The message text must contain {{pin}} for people too.');
  return `${message}\n\n@${webOtpHost} #${PIN}`;
}
