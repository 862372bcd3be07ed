import { error, formatValue, ok, warning, type AccountFinding } from '../account-check.js';
import type { SetupOptions } from '../account-setup.js';
import { composeText, foreignPlaceholders, hasPin } from './infobip.message-text.js';
import type { TemplateResponse } from './infobip.types.js';

/** Shorter codes are guessed too easily (NIST SP 800-63B-4 §3.1.3.2 requires six digits). */
export const PIN_LENGTH = 6;
const DEFAULT_TEXT = '{{pin}} is your verification code. Do not share it.';

/**
 * The fields that the set-up writes. Keeps the present text if it is valid and the options give no
 * other.
 * @throws SetupOptionError
 */
export function desiredTemplate(existing: TemplateResponse | undefined, options: SetupOptions) {
  const present = existing?.messageText;
  const isValid =
    typeof present === 'string' && hasPin(present) && foreignPlaceholders(present).length === 0;
  const text = options.text ?? (isValid ? present : DEFAULT_TEXT);
  return {
    messageText: composeText(text, options.webOtpHost),
    pinType: 'NUMERIC',
    pinLength: PIN_LENGTH,
    ...(options.sender !== undefined && { senderId: options.sender }),
    ...(options.language !== undefined && { language: options.language }),
  };
}

/** Checks the message template that the settings name. */
export function checkTemplate(template: TemplateResponse, applicationId: string): AccountFinding[] {
  const { applicationId: owner } = template;
  return [
    owner === undefined || owner === applicationId
      ? ok('template', 'The message template is there.')
      : error('template', `The template belongs to another application, ${formatValue(owner)}.`),
    checkCode(template),
    checkMessage(template),
  ];
}

function checkCode({ pinLength, pinType }: TemplateResponse): AccountFinding {
  const check = 'code';
  const code = `The code has the length ${formatValue(pinLength)} and the type ${formatValue(pinType)}`;
  if (typeof pinLength !== 'number') return warning(check, `${code}, which cannot be compared.`);
  if (pinLength < PIN_LENGTH) {
    return error(check, `${code}: shorter than ${String(PIN_LENGTH)}, it is easy to guess.`);
  }
  return pinType === 'NUMERIC'
    ? ok(check, `${code}.`)
    : warning(check, `${code}: keypads and autofill of phones expect digits.`);
}

function checkMessage({ messageText }: TemplateResponse): AccountFinding {
  const check = 'message';
  if (typeof messageText !== 'string') return error(check, 'The template has no text to send.');
  if (!hasPin(messageText)) return error(check, 'The text lacks {{pin}}: no message has a code.');
  const foreign = foreignPlaceholders(messageText);
  return foreign.length > 0
    ? error(check, `The text has placeholders that are never filled in: ${foreign.join(', ')}.`)
    : ok(check, 'The text contains the code.');
}
