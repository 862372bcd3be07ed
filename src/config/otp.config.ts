import type { ConfigType } from '@nestjs/config';
import { seconds } from '../common/durations.js';
import { defineConfig, setting } from './define-config.js';
import { duration, positiveInt } from './env-types.js';

// NIST SP 800-63B-4 §3.1.3.2: a code is valid for at most 10 minutes, and guesses are limited.
export const otpConfig = defineConfig('otp', 'Codes and limits', {
  ttlMs: setting('OTP_TTL', duration('5m', '1s', '10m'), { description: 'lifetime of a code' }),
  maxAttempts: setting('OTP_MAX_ATTEMPTS', positiveInt(5, 10), {
    description: 'number of codes that are checked for one verification',
  }),
  sendCooldownMs: setting('SEND_COOLDOWN', duration('30s', '1s', '60m'), {
    description: 'minimum time between two messages from one client to one number',
  }),
});
export type OtpConfig = ConfigType<typeof otpConfig>;

/** A user needs about this long to receive a message, to read its code and to type it. */
const CODE_ENTRY_MS = seconds(30);

/**
 * How long a code must still be valid to be sent again, in milliseconds: 30 seconds, or half of the
 * lifetime if that is less. With less time left, a message would cost money, but its code might
 * expire before the user types it.
 */
export const getResendMarginMs = ({ ttlMs }: OtpConfig): number =>
  Math.min(CODE_ENTRY_MS, Math.floor(ttlMs / 2));
