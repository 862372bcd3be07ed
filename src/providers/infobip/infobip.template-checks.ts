import type { AccountFinding } from '../account-check.js';
import { error, ok, format, warning } from './infobip.findings.js';
import { foreignPlaceholders, hasPin } from './infobip.message-text.js';
import type { TemplateResponse } from './infobip.types.js';

/** Shorter codes are guessed too easily (NIST SP 800-63B-4 §3.1.3.2 asks for six digits). */
const SHORTEST_PIN = 6;

/** Judges a message template. */
export function checkTemplate(template: TemplateResponse, applicationId: string): AccountFinding[] {
  return [belonging(template, applicationId), pin(template), text(template)];
}

function belonging(
  { applicationId: owner }: TemplateResponse,
  applicationId: string,
): AccountFinding {
  return owner === undefined || owner === applicationId
    ? ok('template', 'The message template is there.')
    : error('template', `The message template belongs to another application, ${format(owner)}.`);
}

function pin({ pinLength, pinType }: TemplateResponse): AccountFinding {
  const what = `The code has the length ${format(pinLength)} and the type ${format(pinType)}`;
  if (typeof pinLength !== 'number') {
    return warning('code', `${what}, so it cannot be judged.`);
  }
  if (pinLength < SHORTEST_PIN) {
    return error('code', `${what}: shorter than ${String(SHORTEST_PIN)}, it is easy to guess.`);
  }
  return pinType === 'NUMERIC'
    ? ok('code', `${what}.`)
    : warning('code', `${what}: keypads and autofill of phones expect digits.`);
}

function text({ messageText }: TemplateResponse): AccountFinding {
  const check = 'message';
  if (typeof messageText !== 'string') return error(check, 'The template has no text to send.');
  if (!hasPin(messageText)) return error(check, 'The text lacks {{pin}}: nobody gets a code.');
  const foreign = foreignPlaceholders(messageText);
  return foreign.length > 0
    ? error(check, `The text has placeholders that nothing fills in: ${foreign.join(', ')}.`)
    : ok(check, 'The text carries the code.');
}
