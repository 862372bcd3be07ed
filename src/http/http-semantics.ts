import type { FastifyInstance } from 'fastify';
import { errors } from '../common/domain-error.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'];

/** Rules of HTTP that Node would enforce by a response without a problem document. */
export function enforceHttpSemantics(fastify: FastifyInstance): void {
  // RFC 9112 §3.2: HTTP/1.1 requires Host.
  fastify.addHook('onRequest', ({ headers, raw }, _reply, done) => {
    done(
      headers.host === undefined && raw.httpVersionMinor > 0
        ? errors.malformedBody({ message: 'The Host header is missing.' })
        : undefined,
    );
  });
  // RFC 9110 §10.1.1: a server may ignore an unknown expectation.
  fastify.server.on('checkExpectation', (request, response) => {
    fastify.routing(request, response);
  });
}

/**
 * Answers 405 with `Allow` (RFC 9110 §15.5.6) where a path exists but not with the method; Fastify
 * answers 404. Call it before the first route, and the function that it returns after the last.
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
