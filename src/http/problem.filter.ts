import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { DomainError } from '../common/domain-error.js';
import { seconds } from '../common/durations.js';
import { toDomainError, toProblem, PROBLEM_MEDIA_TYPE } from './problem.js';

/**
 * The global exception filter: answers every error by a problem document (RFC 9457), and logs a 5xx
 * or unreadable stored data with its cause. Nothing is sent if the client has disconnected or the
 * response has begun.
 */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    if (isAborted(request)) return;
    const error = toDomainError(thrown);
    request.errorCode = error.code;
    request.reachedLimit = error.limit;
    request.auditDetails = error.auditDetails;
    request.invalidFields = error.fieldErrors?.map(({ pointer }) => pointer);
    // The route pattern, such as /otp/:pinId: a path may contain a number, a code or an API key.
    const problem = toProblem(error, request.id, request.routeOptions.url ?? '/');
    const { status, code } = problem;
    if (status >= 500 || code === 'stored_data_unreadable')
      request.log.error({ code, err: error, ...request.requestContext }, 'request failed');
    if (reply.sent) return;
    const retryAfterMs = getRetryAfterMs(request, error, status);
    if (retryAfterMs !== undefined) {
      void reply.header('retry-after', Math.max(1, Math.ceil(retryAfterMs / seconds(1))));
    }
    // RFC 9110 §15.5.16. A 415 about the media type must not have this header (§12.5.3).
    if (code === 'unsupported_content_encoding') void reply.header('accept-encoding', 'identity');
    if (error.replayed) void reply.header('idempotency-replayed', 'true');
    // As bytes: Fastify adds a charset to a string's type, and Nest may replace an object's type.
    void reply
      .code(status)
      .type(PROBLEM_MEDIA_TYPE)
      .send(Buffer.from(JSON.stringify(problem)));
  }
}

/** Whether the client disconnected before its request was complete. */
const isAborted = ({ raw }: FastifyRequest): boolean => raw.destroyed && !raw.complete;

/**
 * Milliseconds until a retry can succeed: the error's own wait, or the rate limit's if longer.
 * `undefined` for an error without a wait whose status is neither 429 nor 503.
 */
function getRetryAfterMs(
  { rateLimitResetMs = 0 }: FastifyRequest,
  { retryAfterMs }: DomainError,
  status: number,
): number | undefined {
  if (retryAfterMs === undefined && status !== 429 && status !== 503) return undefined;
  return Math.max(retryAfterMs ?? 0, rateLimitResetMs);
}
