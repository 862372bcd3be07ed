import { RETRY_AFTER_S, type SandboxFault, type ErrorFaultKind } from '../faults/sandbox-fault.js';
import { InfobipError, type InfobipStatus } from './infobip-error.js';

const FAULT_STATUS: Record<ErrorFaultKind, InfobipStatus> = {
  'bad-request': 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  throttled: 429,
  'server-error': 500,
  unavailable: 503,
};

/** How Infobip says no in the way that a fault wants. */
export function createInfobipError(
  kind: ErrorFaultKind,
  { errorShape }: SandboxFault,
): InfobipError {
  const retryAfterS = kind === 'throttled' ? RETRY_AFTER_S : undefined;
  return new InfobipError(FAULT_STATUS[kind], undefined, { retryAfterS, shape: errorShape });
}
