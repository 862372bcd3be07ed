import type { AccountFinding } from '../account-check.js';
import { error, formatValue, ok, warning } from '../account-findings.js';
import { foreignPlaceholders, hasPin } from './infobip.message-text.js';
import type { TemplateResponse } from './infobip.types.js';

/** Shorter codes are guessed too easily (NIST SP 800-63B-4 §3.1.3.2 requires six digits). */
const MIN_PIN_LENGTH = 6;

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
  if (pinLength < MIN_PIN_LENGTH) {
    return error(check, `${code}: shorter than ${String(MIN_PIN_LENGTH)}, it is easy to guess.`);
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
