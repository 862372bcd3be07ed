import type { ErrorRequestHandler } from 'express';
import { OtpError } from 'otp-service-client';
import { ZodError } from 'zod';
import { describeError } from './messages.js';

/** Statuses of the OTP service that this server passes on. It answers any other with 502. */
const PASSED_ON_STATUSES = new Set([400, 403, 404, 409, 422, 429, 503]);

/** Answers with a message for the user, and logs the error. Invalid bodies are not logged. */
export const handleError: ErrorRequestHandler = (error: unknown, request, response, next) => {
  if (response.headersSent) {
    next(error);
    return;
  }
  if (error instanceof OtpError) {
    const { code, status, retryAfterSeconds, requestId } = error;
    request.log.warn({ code, requestId }, 'the OTP service rejected a request');
    if (retryAfterSeconds !== undefined) response.set('retry-after', String(retryAfterSeconds));
    response
      .status(PASSED_ON_STATUSES.has(status) ? status : 502)
      .json({ error: code, message: describeError(error), retryAfterSeconds });
    return;
  }
  if (error instanceof ZodError) {
    const fields = error.issues.map(({ path, message }) => ({ field: path.join('.'), message }));
    response.status(400).json({ error: 'invalid', message: 'Check what you entered.', fields });
    return;
  }
  if (error instanceof Error && 'status' in error && Number(error.status) < 500) {
    // The body is not JSON. The error quotes the body, so the error is not logged.
    response.status(400).json({ error: 'invalid', message: 'Check what you entered.' });
    return;
  }
  request.log.error({ err: error }, 'request failed');
  const message = 'This does not work at the moment. Try again in a few minutes.';
  response.status(500).json({ error: 'internal', message });
};
