export type * from './api-types.js';
export type { CallOptions, IdempotentCallOptions } from './calls.js';
export { createOtpClient, type OtpClient, type OtpClientOptions } from './client.js';
export {
  isOtpError,
  OtpConnectionError,
  OtpError,
  OtpTimeoutError,
  type ErrorCode,
} from './errors.js';
