import type { FastifyInstance } from 'fastify';
import { type DomainError, errors } from '../common/domain-error.js';

/** Stands for a body that could not be read, until somebody wants it. */
export class InvalidBody {
  constructor(readonly error: DomainError) {}
}

/**
 * Reads JSON and nothing else. What cannot be read is refused only when the route wants its body:
 * by then the guards know who calls, and have counted the request.
 */
export function registerJsonParser(fastify: FastifyInstance): void {
  const parseJson = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser<string>(
    'application/json',
    { parseAs: 'string' },
    (request, text, done) => {
      void parseJson(request, text, (error, body) => {
        done(null, error ? new InvalidBody(errors.malformedBody()) : body);
      });
    },
  );
  fastify.addContentTypeParser('*', (_request, _payload, done) => {
    done(null, new InvalidBody(errors.unsupportedMediaType()));
  });
}
