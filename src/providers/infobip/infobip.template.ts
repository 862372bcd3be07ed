import type { MessageTemplates } from '../../config/providers.config.js';
import {
  errorFinding,
  formatValue,
  okFinding,
  warningFinding,
  type AccountFinding,
} from '../account-check.js';
import { SetupOptionError, type SetupOptions } from '../account-setup.js';
import { DEFAULT_LANGUAGE, toInfobipLanguage } from './infobip.language.js';
import type { InfobipTemplate } from './infobip.types.js';

/** Shorter codes are guessed too easily (NIST SP 800-63B-4 §3.1.3.2 requires six digits). */
const PIN_LENGTH = 6;
const DEFAULT_TEXT = '{{pin}} is your verification code. Do not share it.';
const PIN_PLACEHOLDER = '{{pin}}';
/** The last line of a message, which binds the code to a host (WICG, origin-bound one-time codes). */
const WEB_OTP_LINE = /\n+@[^\s@#]+ #\{\{pin\}\}$/;
const HOST = /^(?=.{1,253}$)([a-z\d]([a-z\d-]{0,61}[a-z\d])?\.)+[a-z][a-z\d-]*[a-z\d]$|^localhost$/;

/**
 * The fields that `infobip:setup` writes. Keeps the text of the existing template, if that is valid and the
 * options give no other.
 * @throws SetupOptionError
 */
export function buildTemplate(existing: InfobipTemplate | undefined, options: SetupOptions) {
  const present = existing?.messageText;
  const isValid = typeof present === 'string' && checkMessage(present).level === 'ok';
  const text = options.text ?? (isValid ? present : DEFAULT_TEXT);
  return {
    messageText: composeText(text, options.webOtpHost),
    pinType: 'NUMERIC',
    pinLength: PIN_LENGTH,
    ...(options.sender !== undefined && { senderId: options.sender }),
    ...(options.language !== undefined && { language: options.language }),
  };
}

/**
 * As {@link buildTemplate}, for the template of a further language.
 * @param defaults the default template, whose sender a new template gets
 * @throws SetupOptionError
 */
export function buildLocalizedTemplate(
  existing: InfobipTemplate | undefined,
  defaults: InfobipTemplate,
  locale: string,
  options: SetupOptions,
) {
  const text = options.text ?? existing?.messageText;
  if (typeof text !== 'string') {
    throw new SetupOptionError(`Give the message in this language: --locale ${locale} --text '…'.`);
  }
  const { senderId } = defaults;
  return buildTemplate(existing, {
    ...options,
    text,
    sender: options.sender ?? (!existing && typeof senderId === 'string' ? senderId : undefined),
    language: options.language ?? toInfobipLanguage(locale),
  });
}

function checkLanguage({ language = DEFAULT_LANGUAGE }: InfobipTemplate, locale: string) {
  const check = 'language';
  const calls = `Calls read the text as ${formatValue(language)}`;
  const expected = toInfobipLanguage(locale);
  if (expected === undefined)
    return okFinding(check, `${calls}: Infobip has no voice for ${locale}.`);
  return language === expected
    ? okFinding(check, `${calls}.`)
    : warningFinding(check, `${calls}, but the language of ${locale} is ${formatValue(expected)}.`);
}

/** The ids of the templates of every language. */
export const listTemplateIds = ({
  templateId,
  templateIdsByLocale,
}: MessageTemplates): string[] => [templateId, ...templateIdsByLocale.values()];

/**
 * Checks a message template that the settings or a client name.
 * @param locale the expected language of its calls; by default not checked
 */
export function checkTemplate(
  template: InfobipTemplate,
  applicationId: string,
  locale?: string,
): AccountFinding[] {
  const { applicationId: owner } = template;
  return [
    owner === undefined || owner === applicationId
      ? okFinding('template', 'The message template exists.')
      : errorFinding(
          'template',
          `The template belongs to another application, ${formatValue(owner)}.`,
        ),
    checkCode(template),
    checkMessage(template.messageText),
    ...(locale === undefined ? [] : [checkLanguage(template, locale)]),
  ];
}

function checkCode({ pinLength, pinType }: InfobipTemplate): AccountFinding {
  const check = 'code';
  const code = `The code has the length ${formatValue(pinLength)} and the type ${formatValue(pinType)}`;
  if (typeof pinLength !== 'number')
    return warningFinding(check, `${code}: its length is not a number, so it cannot be checked.`);
  if (pinLength < PIN_LENGTH) {
    return errorFinding(check, `${code}: shorter than ${String(PIN_LENGTH)}, it is easy to guess.`);
  }
  return pinType === 'NUMERIC'
    ? okFinding(check, `${code}.`)
    : warningFinding(check, `${code}: keypads and autofill of phones expect digits.`);
}

function checkMessage(messageText: unknown): AccountFinding {
  const check = 'message';
  if (typeof messageText !== 'string')
    return errorFinding(check, 'The template has no text to send.');
  if (!messageText.includes(PIN_PLACEHOLDER))
    return errorFinding(check, 'The text lacks {{pin}}: messages contain no code.');
  const foreign = findForeignPlaceholders(messageText);
  return foreign.length > 0
    ? errorFinding(
        check,
        `The text has placeholders that are never filled in: ${foreign.join(', ')}.`,
      )
    : okFinding(check, 'The text contains the code.');
}

/**
 * Checks a text. If a host is given, appends the line that binds the code to that host.
 * @throws SetupOptionError
 */
export function composeText(text: string, webOtpHost: string | undefined): string {
  if (!text.includes(PIN_PLACEHOLDER))
    throw new SetupOptionError('The message text must contain {{pin}}.');
  const foreign = findForeignPlaceholders(text);
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
  if (!message.includes(PIN_PLACEHOLDER))
    throw new SetupOptionError('The message text must contain {{pin}} above the WebOTP line too.');
  return `${message}\n\n@${webOtpHost} #${PIN_PLACEHOLDER}`;
}

/** Puts a sample code into the text, as a phone shows it. */
export const insertSamplePin = (text: string): string =>
  text.replaceAll(PIN_PLACEHOLDER, '12345678'.slice(0, PIN_LENGTH));

/** Placeholders other than `{{pin}}`, which are never filled in. */
function findForeignPlaceholders(text: string): string[] {
  return (text.match(/\{\{[^{}]*\}\}/g) ?? []).filter(
    (placeholder) => placeholder !== PIN_PLACEHOLDER,
  );
}
