/**
 * Errors that occur before a request reaches Fastify's hooks: bytes that are not HTTP, a request
 * that arrives too slowly, a URL that cannot be decoded. They too are answered by a problem
 * document.
 */
import { randomUUID } from 'node:crypto';
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '../common/domain-error.js';
import { seconds } from '../common/durations.js';
import type { EventBus } from '../common/events.js';
import { PROBLEM_MEDIA_TYPE, toProblem } from './problem.js';
import { findCurrentResponse } from './request-tracking.js';
import { SECURITY_HEADERS } from './security-headers.js';

/** How long a client may take to close its connection after its request was rejected. */
const LINGER_MS = seconds(2);

/** Answers a URL that cannot be decoded, which Fastify rejects before all hooks, as an unknown path. */
export function handleInvalidUrl(
  _error: Error,
  { raw, server }: FastifyRequest,
  reply: FastifyReply,
): void {
  raw.url = '/nowhere';
  server.routing(raw, reply.raw);
}

const rejectedSockets = new WeakSet<Socket>();

/** Fastify's `clientErrorHandler`. */
export function handleClientError(
  this: FastifyInstance,
  error: NodeJS.ErrnoException,
  socket: Socket,
): void {
  // Node emits clientError again for later bytes.
  if (rejectedSockets.has(socket)) return;
  rejectedSockets.add(socket);
  // No answer: the client has disconnected, or has not sent a single byte.
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesRead === 0) socket.destroy();
  else rejectAfterPending(socket, toClientError(error.code), this.events);
}

/** Answers CONNECT (RFC 9110 §9.3.6), for which Node would close the connection without an answer. */
export function handleConnectRequest(socket: Socket, events: EventBus): void {
  const message = 'This service is not a proxy.';
  // Node has removed its own listeners from the socket.
  socket.on('error', () => socket.destroy()).resume();
  rejectAfterPending(socket, new DomainError('malformed_body', { message }), events);
}

/** @param code the error code of Node's HTTP server, or of its parser */
function toClientError(code: string | undefined): DomainError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new DomainError('request_timeout');
    case 'HPE_HEADER_OVERFLOW':
      return new DomainError('headers_too_large');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new DomainError('payload_too_large');
    default:
      return new DomainError('malformed_body', { message: 'The request is not valid HTTP.' });
  }
}

/**
 * Answers with the error after the responses to earlier requests, so that no client takes the error
 * for one of them. An error in a body that is still being read answers the request of that body.
 */
function rejectAfterPending(socket: Socket, error: DomainError, events: EventBus): void {
  const response = findCurrentResponse(socket);
  if (response === undefined) {
    if (socket.writable) writeRawProblem(socket, error, events);
  } else if (isReadingBody(response.req)) {
    response.setHeader('connection', 'close');
    response.req.emit('error', error);
  } else {
    response.once('close', () => {
      rejectAfterPending(socket, error, events);
    });
  }
}

/** Fastify listens for errors of a request only while it reads the body. */
const isReadingBody = (request: IncomingMessage): boolean => request.listenerCount('error') > 0;

function writeRawProblem(socket: Socket, error: DomainError, events: EventBus): void {
  const requestId = randomUUID();
  const problem = toProblem(error, requestId, '/');
  const { status } = problem;
  const body = JSON.stringify(problem);
  const headers = {
    'x-request-id': requestId,
    'content-type': PROBLEM_MEDIA_TYPE,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
    ...SECURITY_HEADERS,
  };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
  socket.end(
    `HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ''}\r\n${head.join('')}\r\n${body}`,
  );
  closeAfterResponse(socket);
  events.emit({ type: 'request_started' });
  events.emit({
    type: 'request_completed',
    context: { requestId },
    method: undefined,
    route: undefined,
    status,
    problem: error.code,
    limit: undefined,
    auditDetails: undefined,
    invalidFields: undefined,
    replayed: false,
    client: undefined,
    durationMs: 0,
  });
}

/**
 * Node has no timeout for this connection any more. Closing it at once could lose the response, if
 * the client still sends (RFC 9112 §9.6).
 */
function closeAfterResponse(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => {
    clearTimeout(timer);
  });
}
