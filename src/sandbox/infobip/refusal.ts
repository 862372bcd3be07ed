import { RETRY_AFTER_S, type SandboxFault, type ErrorFaultKind } from '../faults/sandbox-fault.js';
import { ApiError, type ApiStatus } from './api-error.js';

const STATUS: Record<ErrorFaultKind, ApiStatus> = {
  'bad-request': 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  throttled: 429,
  'server-error': 500,
  unavailable: 503,
};

/** How Infobip says no in the way that a fault wants. */
export function refusal(kind: ErrorFaultKind, { errorShape }: SandboxFault): ApiError {
  const retryAfterS = kind === 'throttled' ? RETRY_AFTER_S : undefined;
  return new ApiError(STATUS[kind], undefined, { retryAfterS, shape: errorShape });
}
