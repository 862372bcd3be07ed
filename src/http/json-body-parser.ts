import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
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
  fastify.addContentTypeParser<Buffer>(
    'application/json',
    // As bytes: those of a compressed body do not survive as a string.
    { parseAs: 'buffer' },
    (request, bytes, done) => {
      if (isEncoded(request)) {
        done(null, new InvalidBody(errors.unsupportedContentEncoding()));
      } else if (!isUtf8(bytes)) {
        done(null, new InvalidBody(errors.malformedBody()));
      } else {
        void parseJson(request, bytes.toString(), (error, body) => {
          done(null, error ? new InvalidBody(errors.malformedBody()) : body);
        });
      }
    },
  );
  fastify.addContentTypeParser('*', (_request, _payload, done) => {
    done(null, new InvalidBody(errors.unsupportedMediaType()));
  });
}

/** Whether the body has a content coding, such as gzip (RFC 9110 §8.4). */
const isEncoded = ({ headers }: FastifyRequest): boolean =>
  !['', 'identity'].includes((headers['content-encoding'] ?? '').toLowerCase());
