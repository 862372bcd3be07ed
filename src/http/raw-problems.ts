import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '../common/domain-error.js';
import { describeProblem, PROBLEM_MEDIA_TYPE } from './problem.js';
import { sendProblem } from './problem.filter.js';

/** For what Fastify refuses before it has a route, such as a path that cannot be decoded. */
export function answerUnroutable(
  _error: Error,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  void reply.header('x-request-id', request.id);
  sendProblem(request, reply, new DomainError('not_found', 'The path cannot be read.'));
}

/** For bytes that Node could not read as an HTTP request: there is no request to answer, only a socket. */
export function answerMalformedHttp(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = describeProblem(faultOf(error), { requestId: randomUUID(), path: '/' });
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${String(problem.status)} ${STATUS_CODES[problem.status] ?? ''}\r\n` +
      `content-type: ${PROBLEM_MEDIA_TYPE}\r\ncontent-length: ${String(Buffer.byteLength(body))}\r\n` +
      `connection: close\r\n\r\n${body}`,
  );
}

function faultOf({ code }: NodeJS.ErrnoException): DomainError {
  return code === 'ERR_HTTP_REQUEST_TIMEOUT'
    ? new DomainError('request_timeout', 'Send the whole request within 10 seconds.')
    : new DomainError(
        'malformed_body',
        'Send a well-formed HTTP request with at most 16 KiB of headers.',
      );
}
