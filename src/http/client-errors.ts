import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type DomainError, errors } from '../common/domain-error.js';
import type { EventBus } from '../common/events.js';
import { SECURITY_HEADERS } from './security-headers.js';
import { toProblem, PROBLEM_MEDIA_TYPE } from './problem.js';
import './request-tracking.js';
import { currentResponse } from './current-response.js';

/** No route's, and it can be decoded. */
const UNMATCHED_PATH = '/nowhere';

/** A path that cannot be decoded, which Fastify refuses before all hooks, goes where all go that have no route. */
export function handleInvalidUrl(
  _error: Error,
  { raw, server }: FastifyRequest,
  reply: FastifyReply,
): void {
  raw.url = UNMATCHED_PATH;
  server.routing(raw, reply.raw);
}

/** Connections on which nothing more can be read. */
const rejectedSockets = new WeakSet<Socket>();

/** For bytes that Node cannot read as an HTTP request, or that take too long to come. */
export function handleClientError(
  this: FastifyInstance,
  error: NodeJS.ErrnoException,
  socket: Socket,
): void {
  // Node says so again of all that still comes.
  if (rejectedSockets.has(socket)) return;
  rejectedSockets.add(socket);
  // Who has asked nothing yet is not answered, either.
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesRead === 0) socket.destroy();
  else rejectAfterPending(socket, faultOf(error), this.events);
}

/**
 * Answers what has come before; then the request whose body the bytes belong to or, where none can be
 * made out, the socket. In another order their caller would take one answer for another's.
 */
function rejectAfterPending(socket: Socket, fault: DomainError, events: EventBus): void {
  const answer = currentResponse(socket);
  if (answer === undefined) {
    if (socket.writable) writeRawProblem(socket, fault, events);
  } else if (answer.req.listenerCount('error') > 0) {
    answer.setHeader('connection', 'close');
    answer.req.emit('error', fault);
  } else {
    answer.once('close', () => {
      rejectAfterPending(socket, fault, events);
    });
  }
}

/** What it says is told of as of any answer, though of no method and no route. */
function writeRawProblem(socket: Socket, fault: DomainError, events: EventBus): void {
  const requestId = randomUUID();
  const problem = toProblem(fault, { requestId, path: '/' });
  const body = JSON.stringify(problem);
  const { status } = problem;
  const headers = {
    'x-request-id': requestId,
    'content-type': PROBLEM_MEDIA_TYPE,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
    ...SECURITY_HEADERS,
  };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ''}\r\n${head.join('')}\r\n${body}`,
  );
  events.emit({ type: 'request_started' });
  events.emit({
    type: 'request_completed',
    context: { requestId },
    method: undefined,
    route: undefined,
    status,
    problem: fault.code,
    client: undefined,
    durationMs: 0,
  });
}

function faultOf({ code }: NodeJS.ErrnoException): DomainError {
  return code === 'ERR_HTTP_REQUEST_TIMEOUT'
    ? errors.requestTimeout()
    : errors.malformedBody({
        message: 'The request is not valid HTTP, or its headers are larger than 16 KiB.',
      });
}
