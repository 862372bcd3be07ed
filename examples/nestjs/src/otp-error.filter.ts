import { Catch, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Response } from 'express';
import { OtpError } from 'otp-service-client';

/** Statuses of the service that mean the same here. Any other is a failure of this server. */
const PASSED_ON = new Set([400, 403, 404, 409, 422, 429, 503]);

/** Answers errors of the service with words for people. */
@Catch(OtpError)
export class OtpErrorFilter implements ExceptionFilter<OtpError> {
  private readonly logger = new Logger(OtpErrorFilter.name);

  catch(error: OtpError, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    const { code, status, requestId, retryAfterSeconds } = error;
    this.logger.warn(`The OTP service rejected a request: ${code}, request ${requestId}`);
    if (retryAfterSeconds !== undefined) response.set('retry-after', String(retryAfterSeconds));
    response
      .status(PASSED_ON.has(status) ? status : 502)
      .json({ error: code, message: describe(error), retryAfterSeconds });
  }
}

function describe({ status, retryAfterSeconds = 60 }: OtpError): string {
  switch (status) {
    case 400:
      return 'Enter the digits of the code, as in the message.';
    case 403:
    case 422:
      return 'We cannot send a code to your number. Please contact us.';
    case 429:
      return `Please wait ${String(retryAfterSeconds)} seconds, then try again.`;
    default:
      return 'This does not work at the moment. Try again in a few minutes.';
  }
}
