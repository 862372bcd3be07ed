import { randomUUID } from 'node:crypto';
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
  sendProblem(request, reply, new DomainError('not_found', 'The path cannot be read.'));
}

/** For bytes that Node could not read as an HTTP request: there is no request to answer, only a socket. */
export function answerMalformedHttp(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = describeProblem(
    new DomainError(
      'malformed_body',
      'Send a well-formed HTTP request with at most 16 KiB of headers.',
    ),
    { requestId: randomUUID(), path: '/' },
  );
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${String(problem.status)} Bad Request\r\n` +
      `content-type: ${PROBLEM_MEDIA_TYPE}\r\ncontent-length: ${String(Buffer.byteLength(body))}\r\n` +
      `connection: close\r\n\r\n${body}`,
  );
}
