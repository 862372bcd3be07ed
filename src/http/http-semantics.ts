import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { errors } from '../common/domain-error.js';
import { handleConnectRequest } from './client-errors.js';

/** RFC 9112 §3.2 and RFC 3986 §3.2.2: a name or an address, and a port. */
const VALID_HOST = /^(?:\[[\da-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[\da-f]{2})*)(?::\d*)?$/i;

/**
 * Headers of one value (RFC 9110 §5.3). Node takes the first of several lines or joins them, a proxy in
 * front may take another one.
 */
const SINGLE_HEADERS = new Set(['host', 'authorization', 'content-type', 'idempotency-key']);

/** Rules of HTTP that Node does not enforce, or would enforce without a problem document. */
export function enforceHttpSemantics(fastify: FastifyInstance): void {
  const { server } = fastify;
  // Node drops headers above this number. Their size is limited in any case.
  server.maxHeadersCount = 0;
  fastify.addHook('onRequest', ({ raw }, reply, done) => {
    const message = findHeaderError(raw) ?? findFramingError(raw);
    if (message === undefined) {
      done();
      return;
    }
    void reply.header('connection', 'close');
    done(errors.malformedBody({ message }));
  });
  // RFC 9110 §10.1.1: a server may ignore an unknown expectation.
  server.on('checkExpectation', (request, response) => {
    fastify.routing(request, response);
  });
  server.on('connect', (_request, socket: Socket) => {
    handleConnectRequest(socket, fastify.events);
  });
}

function findHeaderError({
  headers: { host },
  rawHeaders,
  httpVersionMinor,
}: IncomingMessage): string | undefined {
  // RFC 9112 §3.2: HTTP/1.1 requires Host.
  if (host === undefined && httpVersionMinor > 0) return 'The Host header is missing.';
  if (host !== undefined && !VALID_HOST.test(host)) return 'The Host header is malformed.';
  const found = new Set<string>();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase() ?? '';
    if (!SINGLE_HEADERS.has(name)) continue;
    if (found.has(name)) return `The header ${name} occurs more than once.`;
    found.add(name);
  }
  return undefined;
}

/** RFC 9112 §6.1: HTTP/1.0 has no transfer codings; of them, this server knows only chunked. */
function findFramingError({ headers, httpVersionMinor }: IncomingMessage): string | undefined {
  const coding = headers['transfer-encoding'];
  if (coding === undefined) return undefined;
  return httpVersionMinor === 0 || coding.toLowerCase() !== 'chunked'
    ? 'The Transfer-Encoding is not supported.'
    : undefined;
}
