/** Injects an `OtpClient`, which is an interface and so no token by itself. */
export const OTP_CLIENT = Symbol('OtpClient');
