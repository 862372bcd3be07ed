export type * from './api-types.js';
export {
  createOtpClient,
  type CallOptions,
  type IdempotentCallOptions,
  type OtpClient,
  type OtpClientOptions,
} from './client.js';
export {
  isOtpError,
  OtpConnectionError,
  OtpError,
  OtpTimeoutError,
  type ErrorCode,
} from './errors.js';
