import type { FastifyError, FastifyInstance } from 'fastify';
import { InfobipError } from './infobip-error.js';
import { ValidationError } from '../validate-input.js';
import type { SandboxSettings } from '../sandbox-settings.js';

/** Errors as Infobip says them. */
export function useInfobipErrors(fastify: FastifyInstance, settings: SandboxSettings): void {
  fastify.setErrorHandler(
    async (error: FastifyError | ValidationError | InfobipError, _request, reply) => {
      const refusal = toInfobipError(error);
      const { retryAfterS, shape = settings.errorShape } = refusal.response;
      if (retryAfterS !== undefined) void reply.header('retry-after', retryAfterS);
      return reply.code(refusal.status).send(refusal.toBody(shape));
    },
  );
  fastify.setNotFoundHandler(async () => {
    throw new InfobipError(404);
  });
}

/** Errors of the sandbox's own routes: short, and naming the fields. */
export function useControlErrors(fastify: FastifyInstance): void {
  fastify.setErrorHandler(async (error: FastifyError | ValidationError, _request, reply) => {
    if (error instanceof ValidationError)
      return reply.code(400).send({ error: error.message, fields: error.fields });
    return reply.code(error.statusCode ?? 500).send({ error: error.message });
  });
}

function toInfobipError(error: FastifyError | ValidationError | InfobipError): InfobipError {
  if (error instanceof InfobipError) return error;
  if (error instanceof ValidationError) return new InfobipError(400, error.fields);
  const { statusCode = 500 } = error;
  if (statusCode === 415) return new InfobipError(415);
  return new InfobipError(statusCode < 500 ? 400 : 500);
}
