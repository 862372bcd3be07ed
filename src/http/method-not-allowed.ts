import type { FastifyInstance } from 'fastify';
import { errors } from '../common/domain-error.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'];

/**
 * Notes every route as it is made. The function it returns, called when all are there, makes each
 * path answer the methods it does not have with a 405 and `Allow` (RFC 9110 §15.5.6), before a
 * body is read; a router alone would answer 404.
 */
export function registerMethodNotAllowed(fastify: FastifyInstance): () => void {
  const allowedByPath = new Map<string, Set<string>>();
  fastify.addHook('onRoute', ({ url, method }) => {
    const allowed = allowedByPath.get(url) ?? new Set();
    [method].flat().forEach((name) => allowed.add(name));
    allowedByPath.set(url, allowed);
  });

  return () => {
    for (const [url, allowed] of [...allowedByPath]) {
      const allow = [...allowed].join(', ');
      fastify.route({
        url,
        method: METHODS.filter((method) => !allowed.has(method)),
        onRequest: async (_request, reply) => {
          void reply.header('allow', allow);
          throw errors.methodNotAllowed({ message: `This path supports only ${allow}.` });
        },
        handler: () => undefined,
      });
    }
  };
}
