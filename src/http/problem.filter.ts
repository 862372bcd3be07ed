import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { DomainError } from '../common/domain-error.js';
import { seconds } from '../common/durations.js';
import { toDomainError, toProblem, PROBLEM_MEDIA_TYPE } from './problem.js';

/** Every error of every route ends here and leaves as a problem document (RFC 9457). */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    sendProblem(http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>(), thrown);
  }
}

/** Whether a request's caller went away before it had sent all: nobody hears an answer, and nothing failed. */
const isAborted = ({ raw }: FastifyRequest): boolean => raw.destroyed && !raw.complete;

/** Answers `request` with the problem that `thrown` is, and logs the cause where it is ours. */
function sendProblem(request: FastifyRequest, reply: FastifyReply, thrown: unknown): void {
  if (isAborted(request)) return;
  const error = toDomainError(thrown);
  request.errorCode = error.code;
  // The route, such as /otp/:pinId: a path may hold a number, a code or a key.
  const path = request.routeOptions.url ?? '/';
  const problem = toProblem(error, { requestId: request.id, path });
  if (problem.status >= 500)
    request.log.error(
      { code: problem.code, err: error, ...request.requestContext },
      'request failed',
    );
  // Nothing can be said any more on a connection whose answer has begun.
  if (reply.sent) return;
  const waitMs = retryAfterOf(request, error, problem.status);
  if (waitMs !== undefined) {
    void reply.header('retry-after', Math.max(1, Math.ceil(waitMs / seconds(1))));
  }
  if (error.replayed) void reply.header('idempotency-replayed', 'true');
  // As bytes: Fastify would add a charset to the type of a string, and Nest may replace that of an object.
  const body = Buffer.from(JSON.stringify(problem));
  void reply.code(problem.status).type(PROBLEM_MEDIA_TYPE).send(body);
}

/** When to ask again, in milliseconds: not before the error's own reason and the quota allow it. */
function retryAfterOf(
  { rateLimitResetMs = 0 }: FastifyRequest,
  { retryAfterMs }: DomainError,
  status: number,
): number | undefined {
  if (retryAfterMs === undefined && status !== 429 && status !== 503) return undefined;
  return Math.max(retryAfterMs ?? 0, rateLimitResetMs);
}
