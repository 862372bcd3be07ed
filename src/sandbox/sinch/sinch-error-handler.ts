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

/** Creates the error with which Sinch reports a fault. */
export function createSinchError(kind: ErrorFaultKind): SinchError {
  const retryAfterS = kind === 'throttled' ? RETRY_AFTER_S : undefined;
  return new SinchError(FAULT_CODES[kind], undefined, retryAfterS);
}

/** Returns all errors of the routes of `fastify` in Sinch's format, and 404 for an unknown route. */
export function useSinchErrors(fastify: FastifyInstance): void {
  fastify.setErrorHandler(
    async (cause: FastifyError | ValidationError | SinchError, _request, reply) => {
      const { status, body, retryAfterS } = toSinchError(cause);
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

/** Joins the errors of all fields: an error of Sinch has one message and no list of fields. */
function joinFieldErrors({ fields }: ValidationError): string {
  return Object.values(fields).flat().join(', ');
}
