import { Catch, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Response } from 'express';
import { OtpError } from 'otp-service-client';

/** Statuses of the OTP service that this server passes on. It answers any other with 502. */
const PASSED_ON_STATUSES = new Set([400, 403, 404, 409, 422, 429, 503]);

/** Answers an error of the OTP service with a message for the user. */
@Catch(OtpError)
export class OtpErrorFilter implements ExceptionFilter<OtpError> {
  private readonly logger = new Logger(OtpErrorFilter.name);

  catch(error: OtpError, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    const { code, status, requestId, retryAfterSeconds } = error;
    this.logger.warn(`The OTP service rejected a request: ${code}, request ${requestId}`);
    if (retryAfterSeconds !== undefined) response.set('retry-after', String(retryAfterSeconds));
    response
      .status(PASSED_ON_STATUSES.has(status) ? status : 502)
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
