import { randomUUID } from 'node:crypto';

/** Sinch's error codes. The first three digits are the HTTP status. */
const MESSAGES = {
  40001: 'Parameter validation error.',
  40003: 'Invalid request.',
  40100: 'Authorization header is missing or malformed.',
  40101: 'Timestamp header is missing, malformed or too far from now.',
  40102: 'Invalid signature.',
  40108: 'Invalid credentials.',
  40200: 'Not enough credit.',
  40303: 'Authorization requirement not met.',
  40400: 'Requested resource was not found.',
  40900: 'Request conflict.',
  42900: 'Capacity exceeded.',
  50000: 'Internal error.',
  50300: 'Temporarily down.',
} as const;

export type SinchErrorCode = keyof typeof MESSAGES;

/** An error response of Sinch's API. */
export class SinchError extends Error {
  readonly status: number;

  /** @param retryAfterS the `Retry-After` header, in seconds. */
  constructor(
    readonly code: SinchErrorCode,
    message: string = MESSAGES[code],
    readonly retryAfterS?: number,
  ) {
    super(message);
    this.status = Math.floor(code / 100);
  }

  get body(): object {
    return { errorCode: this.code, message: this.message, reference: randomUUID() };
  }
}
