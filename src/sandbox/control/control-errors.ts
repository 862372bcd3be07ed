import type { FastifyError, FastifyInstance } from 'fastify';
import { ValidationError } from '../validate-input.js';

/** Returns errors of the control routes as `{error}`, with `fields` for an invalid body or query. */
export function useControlErrors(fastify: FastifyInstance): void {
  fastify.setErrorHandler(async (error: FastifyError | ValidationError, _request, reply) => {
    if (error instanceof ValidationError)
      return reply.code(400).send({ error: error.message, fields: error.fields });
    return reply.code(error.statusCode ?? 500).send({ error: error.message });
  });
}
