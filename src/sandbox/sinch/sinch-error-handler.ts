import type { FastifyError, FastifyInstance } from 'fastify';
import { RETRY_AFTER_S, type ErrorFaultKind } from '../faults/sandbox-fault.js';
import { ValidationError } from '../validate-input.js';
import { SinchError, type SinchErrorCode } from './sinch-error.js';

const FAULT_CODES: Record<ErrorFaultKind, SinchErrorCode> = {
  'bad-request': 40003,
  unauthorized: 40102,
  forbidden: 40303,
  'not-found': 40400,
  throttled: 42900,
  'server-error': 50000,
  unavailable: 50300,
};

/** How Sinch says no in the way that a fault wants. */
export function createSinchError(kind: ErrorFaultKind): SinchError {
  return new SinchError(
    FAULT_CODES[kind],
    undefined,
    kind === 'throttled' ? RETRY_AFTER_S : undefined,
  );
}

/** Errors as Sinch says them. */
export function useSinchErrors(fastify: FastifyInstance): void {
  fastify.setErrorHandler(
    async (error: FastifyError | ValidationError | SinchError, _request, reply) => {
      const { status, body, retryAfterS } = toSinchError(error);
      if (retryAfterS !== undefined) void reply.header('retry-after', retryAfterS);
      return reply.code(status).send(body);
    },
  );
  fastify.setNotFoundHandler(async () => {
    throw new SinchError(40400);
  });
}

function toSinchError(error: FastifyError | ValidationError | SinchError): SinchError {
  if (error instanceof SinchError) return error;
  if (error instanceof ValidationError) return new SinchError(40001, joinFieldErrors(error));
  return new SinchError((error.statusCode ?? 500) < 500 ? 40003 : 50000);
}

/** There is one sentence for all of it: Sinch's errors name no fields. */
function joinFieldErrors({ fields }: ValidationError): string {
  return Object.values(fields).flat().join(', ');
}
