import { findClosestWord } from '../common/closest-word.js';
import type { FieldError } from '../common/domain-error.js';

/**
 * A field name in camelCase, snake_case or kebab-case. The errors do not repeat other names, which
 * may be a misplaced phone number, code or API key.
 */
const REPEATABLE_NAME = /^(?=.{1,32}$)[a-z]+(?:[A-Z][a-z]+|[_-][a-z]+)*$/;

/** How many unknown fields the errors name. A body of 16 KiB has room for thousands. */
const MAX_NAMED = 10;

/** What other APIs call the fields. */
const OTHER_NAMES: Readonly<Record<string, readonly string[]>> = {
  phoneNumber: ['phone', 'number', 'mobile', 'msisdn', 'telephone', 'tel', 'to', 'recipient'],
  otpCode: ['code', 'otp', 'pin', 'passcode', 'password', 'token', 'verificationcode'],
  pinId: ['pin', 'id', 'otpid', 'verificationid', 'requestid'],
  endUserIp: ['ip', 'ipaddress', 'userip', 'clientip'],
  reference: ['ref', 'purpose', 'context'],
  channel: ['via', 'method', 'type'],
  locale: ['language', 'lang'],
  proofFor: ['audience', 'aud', 'proof'],
};

/**
 * One error for each unknown field, with the known field that was probably meant.
 * @param known the fields that the route has
 */
export function describeUnknownFields(
  names: readonly string[],
  known: readonly string[],
): FieldError[] {
  const repeatable = names.filter((name) => REPEATABLE_NAME.test(name)).slice(0, MAX_NAMED);
  const fieldErrors = repeatable.map((name) => ({
    pointer: `#/${name}`,
    detail: `Unknown field \`${name}\`. ${suggestField(name, known)}`,
  }));
  if (repeatable.length === names.length) return fieldErrors;
  return [...fieldErrors, { pointer: '#', detail: listFields(known) }];
}

function suggestField(name: string, known: readonly string[]): string {
  const word = name.toLowerCase().replace(/[_-]/g, '');
  const namesakes = known.filter(
    (field) => field.toLowerCase() === word || OTHER_NAMES[field]?.includes(word),
  );
  const close = findClosestWord(
    word,
    known.map((field) => field.toLowerCase()),
  );
  const meant =
    namesakes.length > 0 ? namesakes : known.filter((field) => field.toLowerCase() === close);
  if (meant.length === 0) return listFields(known);
  return `Did you mean ${meant.map((field) => `\`${field}\``).join(' or ')}?`;
}

const listFields = (known: readonly string[]): string =>
  `Send no other fields than ${known.join(', ')}.`;
