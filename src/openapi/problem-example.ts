import { DomainError } from '../common/domain-error.js';
import { ERROR_CODES, type ErrorCode } from '../common/error-catalog.js';
import { toProblem } from '../http/problem.js';

const REQUEST_ID = '5f3c1c1e-0d7a-4f55-9d0e-3a5c2f3b9b58';

/** The paths in examples of errors that a send cannot have. */
const PATHS: Partial<Record<ErrorCode, string>> = {
  not_found: '/',
  not_resendable: '/otp/resend',
  resend_limit_reached: '/otp/resend',
  verification_not_found: '/otp/verify',
};

/** An example of an error's problem document, for the API document and docs/errors.md. */
export function createProblemExample(code: ErrorCode) {
  const invalidNumber = { pointer: '#/phoneNumber', detail: 'Give a number in E.164 form.' };
  const fieldErrors = code === 'validation_failed' ? { fieldErrors: [invalidNumber] } : {};
  return toProblem(new DomainError(code, fieldErrors), REQUEST_ID, PATHS[code] ?? '/otp/send');
}

/** The components that responses refer to. Each response with its own copies would be twice as long. */
export const EXAMPLE_COMPONENTS = Object.fromEntries(
  ERROR_CODES.map((code) => [code, { value: createProblemExample(code) }]),
);
