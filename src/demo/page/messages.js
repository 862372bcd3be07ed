import { NoResponse } from './api.js';

/*
 * Every text that depends on what happened. People read it, so it names no field, code or limit of the
 * API.
 */

/** Why a code is over, by the `reason` of the back end. */
const OVER = {
  expired: 'This code has expired',
  attempts_exhausted: 'Too many wrong codes',
  cancelled: 'A newer code was sent',
  already_verified: 'This code was used before',
};

/** The title of a step, and the sentences below it. Parts in lists are emphasized. */
export function describeStep(state) {
  switch (state.step) {
    case 'code':
      return {
        title: 'Enter the code',
        lead: ['Sent to ', [state.to], `, valid until ${formatTime(state.validForSeconds)}.`],
      };
    case 'over':
      return {
        title: OVER[state.reason] ?? 'This code no longer works',
        lead: ['Send a new one to ', [state.to], '.'],
      };
    case 'verified':
      return { title: 'Verified', lead: ['The number ', [state.to], ' is yours.'] };
    default:
      return {
        title: 'Verify your number',
        lead: ['We send you a code by SMS.'],
      };
  }
}

export const PHONE = {
  empty: 'The message with the code arrives here.',
  explanation: 'This phone stands for yours. No real message is sent.',
  noSignal: 'No signal: the sandbox does not answer.',
};

export const NUMBER_HINT = 'With the country code. The message arrives on the phone on this page.';
export const describeExample = (outcome) =>
  `This number is for trying out: ${lowerFirst(outcome)}.`;

/** The label of the code field, with the length of the code if it is known. */
export const describeCodeField = (length) => (length ? `${length}-digit code` : 'Code');

export const describeResend = ({ step }) => (step === 'over' ? 'Send a new code' : 'Send again');
export const SENT_AGAIN = 'Sent again. Look at the phone.';

export const describeWrongCode = (triesLeft) =>
  `That is not the code. You have ${triesLeft === 1 ? '1 try' : `${triesLeft} tries`} left.`;

export const SESSION_OVER =
  'This took too long, so the code is no longer known here. Send a new one.';

export const INCOMPLETE_CODE = 'Enter all digits of the code in the message.';

/** What is wrong with a number that the back end does not accept. */
function describeNumberFault(number) {
  if (number.trim() === '') return 'Enter your phone number.';
  if (!/^[\s(]*[+＋]/.test(number))
    return 'Begin with + and the country code, as in +1 415 555 0123.';
  return 'There is no such phone number. Check its digits.';
}

/** Faults of what was typed, by the `code` of the problem: the field is marked. */
const FIELD_FAULTS = {
  destination_not_allowed: 'We send no codes to numbers of this kind. Use another one.',
  destination_unreachable: 'This phone cannot be reached. Check the number, or use another one.',
};

/* What failed, by what the visitor wanted. */

/** The provider gave no usable answer, so it may have done its part. */
const UNCLEAR = {
  send: 'Sending failed. If a code arrives anyway, it does not work: send a new one.',
  resend: 'Sending failed. If a code arrives anyway, it may not work: send again.',
  verify: 'It is not clear yet whether this is the code. Press Verify again.',
};
const LIMITED = {
  send: 'This number cannot get more codes for now.',
  resend: 'This number cannot get more codes for now.',
  verify: 'There were too many wrong codes.',
};
const FAILED = {
  send: 'The code could not be sent. Try again in a moment.',
  resend: 'The code could not be sent. Try again in a moment.',
  verify: 'The code could not be checked. Try again in a moment.',
};

/**
 * The text for a failed request.
 * @param action `send`, `resend` or `verify`
 * @param number as typed
 * @returns the text, and whether it is about what was typed
 */
export function describeError(error, action, number) {
  const { code, retryAfter = 0 } = error;
  if (FIELD_FAULTS[code] && action === 'send') return { text: FIELD_FAULTS[code], isField: true };
  if (code === 'validation_failed') {
    return {
      text: action === 'send' ? describeNumberFault(number) : INCOMPLETE_CODE,
      isField: true,
    };
  }
  return {
    text: `${describeFailure(error, action)} ${describeRetry(retryAfter)}`.trim(),
    isField: false,
  };
}

function describeFailure(error, action) {
  if (error instanceof NoResponse) return 'The service does not answer. Try again.';
  switch (error.code) {
    case 'destination_not_allowed':
    case 'destination_unreachable':
      return FIELD_FAULTS[error.code];
    case 'cooldown_active':
      return 'A code was requested for this number moments ago.';
    case 'quota_exceeded':
      return LIMITED[action];
    case 'too_many_requests':
      return 'That was too often in a short time.';
    case 'destination_suspended':
      return 'We send no codes to this area for now.';
    case 'provider_timeout':
    case 'provider_error':
      return UNCLEAR[action];
    default:
      return FAILED[action];
  }
}

/** Longer waits are not counted down by the button. */
export const MAX_COUNTDOWN_SECONDS = 120;

/** When to try again; empty if the button counts down, or the service does not say. */
const describeRetry = (seconds) =>
  seconds > MAX_COUNTDOWN_SECONDS ? `Try again after ${formatTime(seconds)}.` : '';

/** The time `seconds` from now, such as "14:05" or "tomorrow, 09:30". */
function formatTime(seconds) {
  const now = new Date(Date.now());
  const time = new Date(now.getTime() + seconds * 1000);
  const clock = time.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  return time.toDateString() === now.toDateString() ? clock : `${clock} tomorrow`;
}

/** Formats a wait of up to two minutes: "28 seconds". */
export const formatSeconds = (seconds) => (seconds === 1 ? '1 second' : `${seconds} seconds`);

const lowerFirst = (text) => text.charAt(0).toLowerCase() + text.slice(1);
