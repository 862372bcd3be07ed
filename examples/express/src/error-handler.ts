import type { ErrorRequestHandler } from 'express';
import { OtpError } from 'otp-service-client';
import { ZodError } from 'zod';
import { describeError, INVALID_NUMBER } from './messages.js';

/** Statuses of the OTP service that this server passes on. It answers any other with 502. */
const PASSED_ON_STATUSES = new Set([400, 403, 404, 409, 422, 429, 503]);

/** Answers with a message for the visitor, and logs the error. Invalid bodies are not logged. */
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
  if (error instanceof ZodError || isClientError(error)) {
    // The error quotes the body, so the error is not logged.
    const message = isAboutNumber(error) ? INVALID_NUMBER : 'Check what you entered.';
    response.status(400).json({ error: 'invalid', message });
    return;
  }
  request.log.error({ err: error }, 'request failed');
  const message = 'This does not work at the moment. Try again in a few minutes.';
  response.status(500).json({ error: 'internal', message });
};

const isAboutNumber = (error: unknown): boolean =>
  error instanceof ZodError && error.issues.some(({ message }) => message === INVALID_NUMBER);

/** Errors of express.json(), such as for a body that is not JSON. */
const isClientError = (error: unknown): boolean =>
  error instanceof Error && 'status' in error && Number(error.status) < 500;
