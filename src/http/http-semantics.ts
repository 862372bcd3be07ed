import type { FastifyInstance } from 'fastify';
import { errors } from '../common/domain-error.js';

/** Has a server say in words of ours what Node would refuse by a status alone. */
export function enforceHttpSemantics(fastify: FastifyInstance): void {
  // RFC 9112 §3.2: a request of HTTP/1.1 names its host.
  fastify.addHook('onRequest', ({ headers, raw }, _reply, done) => {
    done(
      headers.host === undefined && raw.httpVersionMinor > 0
        ? errors.malformedBody({ message: 'The Host header is missing.' })
        : undefined,
    );
  });
  // RFC 9110 §10.1.1: an expectation that is not known may be left alone.
  fastify.server.on('checkExpectation', (request, response) => {
    fastify.routing(request, response);
  });
}
