import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DomainError } from '../common/domain-error.js';
import { describeJsonFault } from './json-fault.js';
import { applyRawBodyLimits } from './raw-body.decorator.js';

/** Stands for a body that cannot be parsed, until the validation pipe throws its error. */
export class InvalidBody {
  constructor(readonly error: DomainError) {}
}

/**
 * Parses JSON and no other media type. An invalid body is rejected only in the validation pipe, so
 * that the guards authenticate and count the request first. A route with `@RawBody` gets the bytes.
 */
export function registerJsonParser(fastify: FastifyInstance): void {
  applyRawBodyLimits(fastify);
  // Fastify answers an invalid media type, such as `json`, before the guards run. Without the header,
  // it calls the parser of other media types below.
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (request.mediaType === undefined) delete request.headers['content-type'];
    done();
  });
  const parseJson = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser<Buffer>(
    'application/json',
    // As bytes, because a string can hold neither a compressed body nor invalid UTF-8.
    { parseAs: 'buffer' },
    (request, bytes, done) => {
      if (request.routeOptions.config.rawBodyLimit !== undefined) {
        done(null, bytes);
      } else if (isEncoded(request)) {
        done(null, new InvalidBody(new DomainError('unsupported_content_encoding')));
      } else if (!isUtf8(bytes)) {
        done(null, createInvalidBody('The body is not encoded as UTF-8.'));
      } else {
        const text = bytes.toString();
        void parseJson(request, text, (error, body) => {
          done(null, error ? createInvalidBody(describeJsonFault(text)) : body);
        });
      }
    },
  );
  fastify.addContentTypeParser('*', ({ raw }, _payload, done) => {
    const message = raw.headersDistinct['content-type']
      ? 'The `Content-Type` header does not declare JSON.'
      : 'The `Content-Type` header is missing.';
    done(null, new InvalidBody(new DomainError('unsupported_media_type', { message })));
  });
}

const createInvalidBody = (message: string): InvalidBody =>
  new InvalidBody(new DomainError('malformed_body', { message }));

/** Whether the body has a content coding, such as gzip (RFC 9110 §8.4). */
const isEncoded = ({ headers }: FastifyRequest): boolean =>
  !['', 'identity'].includes((headers['content-encoding'] ?? '').toLowerCase());
