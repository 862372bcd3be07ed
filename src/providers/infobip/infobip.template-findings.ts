import type { Finding } from '../account-inspection.js';
import { error, ok, shown, warning } from './infobip.findings.js';
import { foreignPlaceholders, hasPin } from './infobip.message-text.js';
import type { TemplateAnswer } from './infobip.wire.js';

/** Shorter codes are guessed too easily (NIST SP 800-63B-4 §3.1.3.2 asks for six digits). */
const SHORTEST_PIN = 6;

/** Judges a message template. */
export function templateFindings(template: TemplateAnswer, applicationId: string): Finding[] {
  return [belonging(template, applicationId), pin(template), text(template)];
}

function belonging({ applicationId: owner }: TemplateAnswer, applicationId: string): Finding {
  return owner === undefined || owner === applicationId
    ? ok('template', 'The message template is there.')
    : error('template', `The message template belongs to another application, ${shown(owner)}.`);
}

function pin({ pinLength, pinType }: TemplateAnswer): Finding {
  const what = `The code has the length ${shown(pinLength)} and the type ${shown(pinType)}`;
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

function text({ messageText }: TemplateAnswer): Finding {
  const check = 'message';
  if (typeof messageText !== 'string') return error(check, 'The template has no text to send.');
  if (!hasPin(messageText)) return error(check, 'The text lacks {{pin}}: nobody gets a code.');
  const foreign = foreignPlaceholders(messageText);
  return foreign.length > 0
    ? error(check, `The text has placeholders that nothing fills in: ${foreign.join(', ')}.`)
    : ok(check, 'The text carries the code.');
}
