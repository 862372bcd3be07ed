import type { ErrorCode } from '../common/error-catalog.js';
import type { Description } from '../openapi/described.decorator.js';
import {
  RESEND_REQUEST,
  SEND_REQUEST,
  SEND_RESPONSE,
  STATUS_RESPONSE,
  VERIFY_REQUEST,
  VERIFY_RESPONSE,
} from './dto/schemas.js';

const PROVIDER_PROBLEMS: readonly ErrorCode[] = [
  'destination_unreachable',
  'provider_error',
  'provider_unavailable',
  'overloaded',
  'provider_timeout',
];

const TEXTING_PROBLEMS: readonly ErrorCode[] = [
  ...PROVIDER_PROBLEMS,
  'verification_not_found',
  'cooldown_active',
  'quota_exceeded',
  'destination_suspended',
];

export const SEND: Description = {
  operationId: 'sendCode',
  tag: 'Verifications',
  summary: 'Send a code',
  description:
    'Has a new code sent to a phone. It cancels the older one of that number, once the provider has taken the new one. Keep `pinId` beside the session that asked for it.',
  body: SEND_REQUEST,
  keyed: true,
  answers: { 200: { description: 'The provider has taken the text.', body: SEND_RESPONSE } },
  problems: [...TEXTING_PROBLEMS, 'destination_not_allowed'],
};

export const RESEND: Description = {
  operationId: 'resendCode',
  tag: 'Verifications',
  summary: 'Send the same code again',
  description:
    'Has the code of a pending verification sent once more. Neither its expiry nor its attempts start anew. A provider that makes a code of its own for every text (Sinch) sends a new one.',
  body: RESEND_REQUEST,
  keyed: true,
  answers: { 200: { description: 'The provider has taken the text.', body: SEND_RESPONSE } },
  problems: [...TEXTING_PROBLEMS, 'not_resendable'],
};

export const VERIFY: Description = {
  operationId: 'verifyCode',
  tag: 'Verifications',
  summary: 'Check a code',
  description:
    'Has a code judged. A code that is not accepted is no error: the answer is 200 with `verified: false` and the reason. With an `Idempotency-Key`, a caller whose connection broke can ask again and still hear `verified: true`.',
  body: VERIFY_REQUEST,
  keyed: true,
  answers: { 200: { description: 'The code was judged.', body: VERIFY_RESPONSE } },
  problems: [...PROVIDER_PROBLEMS, 'verification_not_found', 'quota_exceeded'],
};

export const STATUS: Description = {
  operationId: 'getVerification',
  tag: 'Verifications',
  summary: 'Look at a verification',
  description: 'Tells how far a verification is. No proof: what counts is the answer of verify.',
  answers: { 200: { description: 'The verification.', body: STATUS_RESPONSE } },
  problems: ['verification_not_found'],
};

export const CANCEL: Description = {
  operationId: 'cancelVerification',
  tag: 'Verifications',
  summary: 'Cancel a verification',
  description: 'Ends a verification that is still pending; one that has ended stays as it is.',
  answers: { 204: { description: 'No code of it is accepted any more.' } },
  problems: ['verification_not_found'],
};
