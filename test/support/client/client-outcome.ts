import {
  isOtpError,
  OtpConnectionError,
  OtpTimeoutError,
  type OtpClient,
} from '../../../client/src/index.js';
import type { ClientOperation } from './history.js';

/** The verification that the requests of a history are about, with a right and a wrong code. */
export interface HistorySubject {
  readonly phoneNumber: string;
  readonly pinId: string;
  readonly rightCode: string;
  readonly wrongCode: string;
}

export function callClient(
  client: OtpClient,
  operation: ClientOperation,
  { phoneNumber, pinId, rightCode, wrongCode }: HistorySubject,
  idempotencyKey?: string,
): Promise<object> {
  const options = { idempotencyKey };
  switch (operation) {
    case 'send':
      return client.send({ phoneNumber }, options);
    case 'resend':
      return client.resend({ pinId }, options);
    case 'verify_right_code':
      return client.verify({ pinId, otpCode: rightCode }, options);
    case 'verify_wrong_code':
      return client.verify({ pinId, otpCode: wrongCode }, options);
  }
}

/** The result without values that differ in each run, or the code or status of the error. */
export function describeOutcome(settled: PromiseSettledResult<object>): object {
  if (settled.status === 'fulfilled') {
    return 'pinId' in settled.value ? { isSent: true } : settled.value;
  }
  const error: unknown = settled.reason;
  if (isOtpError(error)) return { error: error.code };
  if (error instanceof OtpTimeoutError) return { error: 'timeout' };
  if (error instanceof OtpConnectionError) return { error: error.status ?? 'no connection' };
  throw error;
}

export const sendsMessage = (operation: ClientOperation): boolean =>
  operation === 'send' || operation === 'resend';

/**
 * The only correct outcome of the first call for a verification, however many requests were lost.
 * @param lostAnswers how many of the provider's answers did not reach the service
 */
export function expectedOutcome(operation: ClientOperation, lostAnswers: number): object {
  switch (operation) {
    case 'send':
    case 'resend':
      return lostAnswers > 0 ? { error: 'provider_timeout' } : { isSent: true };
    case 'verify_right_code':
      return { verified: true };
    case 'verify_wrong_code':
      // Of five attempts, the answered check uses one, and so does each check whose answer was lost.
      return { verified: false, reason: 'wrong_code', attemptsRemaining: 4 - lostAnswers };
  }
}
