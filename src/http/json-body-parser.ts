import type { FastifyInstance } from 'fastify';
import { type DomainError, errors } from '../common/domain-error.js';

/** Stands for a body that cannot be parsed, until the validation pipe throws its error. */
export class InvalidBody {
  constructor(readonly error: DomainError) {}
}

/**
 * Parses JSON and no other media type. An invalid body is rejected only in the validation pipe, so
 * that the guards authenticate and count the request first.
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
