import type { FastifyError, FastifyInstance } from 'fastify';
import { ApiError } from './infobip/api-error.js';
import { ValidationError } from './validate-input.js';
import type { SandboxSettings } from './sandbox-settings.js';

/** Errors as Infobip says them. */
export function useInfobipErrors(fastify: FastifyInstance, settings: SandboxSettings): void {
  fastify.setErrorHandler(
    async (error: FastifyError | ValidationError | ApiError, _request, reply) => {
      const refusal = toInfobipError(error);
      const { retryAfterS, shape = settings.errorShape } = refusal.answer;
      if (retryAfterS !== undefined) void reply.header('retry-after', retryAfterS);
      return reply.code(refusal.status).send(refusal.body(shape));
    },
  );
  fastify.setNotFoundHandler(async () => {
    throw new ApiError(404);
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

function toInfobipError(error: FastifyError | ValidationError | ApiError): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof ValidationError) return new ApiError(400, error.fields);
  const { statusCode = 500 } = error;
  if (statusCode === 415) return new ApiError(415);
  return new ApiError(statusCode < 500 ? 400 : 500);
}
