/** The token that injects an `OtpClient`: that is an interface, which cannot be a token. */
export const OTP_CLIENT = Symbol('OtpClient');
