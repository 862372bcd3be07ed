import type { FastifyError, FastifyInstance } from 'fastify';
import { RETRY_AFTER_S, type ErrorFaultKind, type SandboxFault } from '../faults/sandbox-fault.js';
import type { SandboxSettings } from '../sandbox-settings.js';
import { ValidationError } from '../validate-input.js';
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

/** Creates the error with which Infobip reports a fault. */
export function createInfobipError(
  kind: ErrorFaultKind,
  { errorShape: shape }: SandboxFault,
): InfobipError {
  const retryAfterS = kind === 'throttled' ? RETRY_AFTER_S : undefined;
  return new InfobipError(FAULT_STATUS[kind], undefined, { retryAfterS, shape });
}

/** Returns all errors of the routes of `fastify` in Infobip's format, and 404 for an unknown route. */
export function useInfobipErrors(fastify: FastifyInstance, settings: SandboxSettings): void {
  fastify.setErrorHandler(
    async (cause: FastifyError | ValidationError | InfobipError, _request, reply) => {
      const error = toInfobipError(cause);
      const { retryAfterS, shape = settings.errorShape } = error.responseOptions;
      if (retryAfterS !== undefined) void reply.header('retry-after', retryAfterS);
      return reply.code(error.status).send(error.toBody(shape));
    },
  );
  fastify.setNotFoundHandler(async () => {
    throw new InfobipError(404);
  });
}

function toInfobipError(error: FastifyError | ValidationError | InfobipError): InfobipError {
  if (error instanceof InfobipError) return error;
  if (error instanceof ValidationError) return new InfobipError(400, error.fields);
  const { statusCode = 500 } = error;
  if (statusCode === 415) return new InfobipError(415);
  return new InfobipError(statusCode < 500 ? 400 : 500);
}
