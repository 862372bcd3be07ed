import type { OtpProblem, OverReason } from '../server/otp-state';
import type { NoAnswer } from './useOtp';

/* The texts about the code and about problems, to translate. Fixed texts are in the components. */

/** Titles of the step at which the code can no longer be used. */
export const OVER: Record<OverReason, string> = {
  expired: 'This code has expired',
  attempts_exhausted: 'Too many wrong codes',
  already_verified: 'This code was used before',
  cancelled: 'This code no longer works',
};

type Problem = OtpProblem | NoAnswer;

const PROBLEMS: Record<Problem['code'], string | ((problem: OtpProblem) => string)> = {
  wrong_code: ({ attemptsRemaining }) =>
    `That is not the code. You have ${count(attemptsRemaining ?? 0, 'try', 'tries')} left.`,
  invalid_code: 'Enter all digits of the code in the message.',
  invalid_number: 'Check the number. Begin with + and the country code, as in +1 415 555 0123.',
  number_not_possible: 'We cannot send a code to this number. Use another one.',
  no_session: 'This took too long. Ask for a new code.',
  too_soon: ({ retryAfterSeconds }) => `That was too soon. ${formatWait(retryAfterSeconds)}`,
  limit_reached: ({ action, retryAfterSeconds }) =>
    `${action === 'verify' ? 'There were too many wrong codes.' : 'This number cannot get more codes for now.'} ${formatWait(retryAfterSeconds)}`,
  area_suspended: ({ retryAfterSeconds }) =>
    `We send no codes to this area for now. ${formatWait(retryAfterSeconds)}`,
  outcome_unknown: ({ action }) =>
    action === 'verify'
      ? 'It is not clear yet whether this is the code. Press Verify again.'
      : action === 'resend'
        ? 'Sending failed. If a code arrives anyway, it may not work: send again.'
        : 'Sending failed. If a code arrives anyway, it does not work: send a new one.',
  unavailable: 'This does not work at the moment. Try again in a minute.',
  no_answer: 'There is no connection. Check your network, then try again.',
};

export function describeProblem(problem: Problem): string {
  const text = PROBLEMS[problem.code];
  return typeof text === 'string' ? text : text(problem as OtpProblem);
}

/** Whether the typed text caused the problem, so that its field is marked as invalid. */
export const isAboutField = ({ code }: Problem): boolean =>
  ['wrong_code', 'invalid_code', 'invalid_number', 'number_not_possible'].includes(code);

/** The local time after this many seconds, such as "14:05". */
export const formatTime = (seconds: number): string =>
  new Date(Date.now() + seconds * 1_000).toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit',
  });

export function formatSeconds(seconds: number): string {
  if (seconds < 90) return count(seconds, 'second', 'seconds');
  if (seconds < 5_400) return count(Math.ceil(seconds / 60), 'minute', 'minutes');
  return count(Math.ceil(seconds / 3_600), 'hour', 'hours');
}

const formatWait = (seconds: number | undefined): string =>
  seconds === undefined ? 'Try again later.' : `Try again in ${formatSeconds(seconds)}.`;

const count = (number: number, one: string, many: string): string =>
  `${number} ${number === 1 ? one : many}`;
