import type { FastifyError, FastifyInstance } from 'fastify';
import { ApiError } from './infobip/api-error.js';
import { InvalidInput } from './read.js';
import type { Settings } from './settings.js';

/** Errors as Infobip says them. */
export function answerAsInfobip(fastify: FastifyInstance, settings: Settings): void {
  fastify.setErrorHandler(
    async (error: FastifyError | InvalidInput | ApiError, _request, reply) => {
      const refusal = asApiError(error);
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
export function answerPlainly(fastify: FastifyInstance): void {
  fastify.setErrorHandler(async (error: FastifyError | InvalidInput, _request, reply) => {
    if (error instanceof InvalidInput)
      return reply.code(400).send({ error: error.message, fields: error.fields });
    return reply.code(error.statusCode ?? 500).send({ error: error.message });
  });
}

function asApiError(error: FastifyError | InvalidInput | ApiError): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof InvalidInput) return new ApiError(400, error.fields);
  const { statusCode = 500 } = error;
  if (statusCode === 415) return new ApiError(415);
  return new ApiError(statusCode < 500 ? 400 : 500);
}
