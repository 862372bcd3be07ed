import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { DomainError } from '../common/domain-error.js';
import { handleConnectRequest } from './client-errors.js';

/** A name or an IP address, then optionally a port (RFC 9112 §3.2, RFC 3986 §3.2.2). */
const VALID_HOST = /^(?:\[[\da-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[\da-f]{2})*)(?::\d*)?$/i;

/**
 * Headers that may occur only once (RFC 9110 §5.3). If one is repeated, Node takes the first value
 * or joins the values, but a proxy in front may take another.
 */
const SINGLE_HEADERS = new Set(['host', 'authorization', 'content-type', 'idempotency-key']);

/** Enforces rules of HTTP that Node does not enforce, or enforces without a problem document. */
export function enforceHttpSemantics(fastify: FastifyInstance): void {
  const { server } = fastify;
  // By default Node drops headers beyond a certain count; 0 lifts this limit, but not that of size.
  server.maxHeadersCount = 0;
  fastify.addHook('onRequest', ({ raw }, reply, done) => {
    const message = findHeaderError(raw) ?? findFramingError(raw);
    if (message === undefined) {
      done();
      return;
    }
    void reply.header('connection', 'close');
    done(new DomainError('malformed_body', { message }));
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

/** HTTP/1.0 has no transfer codings (RFC 9112 §6.1), and this server supports only `chunked`. */
function findFramingError({ headers, httpVersionMinor }: IncomingMessage): string | undefined {
  const coding = headers['transfer-encoding'];
  if (coding === undefined) return undefined;
  return httpVersionMinor === 0 || coding.toLowerCase() !== 'chunked'
    ? 'The Transfer-Encoding is not supported.'
    : undefined;
}
