import { THROTTLED_FOR_S, type Fault, type RefusalKind } from '../faults/fault.js';
import { ApiError, type ApiStatus } from './api-error.js';

const STATUS: Record<RefusalKind, ApiStatus> = {
  'bad-request': 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  throttled: 429,
  'server-error': 500,
  unavailable: 503,
};

/** How Infobip says no in the way that a fault wants. */
export function refusal(kind: RefusalKind, { errorShape }: Fault): ApiError {
  const retryAfterS = kind === 'throttled' ? THROTTLED_FOR_S : undefined;
  return new ApiError(STATUS[kind], undefined, { retryAfterS, shape: errorShape });
}
