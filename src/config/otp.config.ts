import type { ConfigType } from '@nestjs/config';
import { configNamespace, setting } from './config-namespace.js';
import { duration, positiveInt } from './env-types.js';

// NIST SP 800-63B-4: a secret sent out of band lives at most 10 minutes, and guesses at it are
// limited (§3.1.3.2).
export const otpConfig = configNamespace(
  'otp',
  { title: 'Codes and limits' },
  {
    ttlMs: setting(
      'OTP_TTL',
      duration('5m', ['1s', '10m']).description('how long a code can be verified'),
    ),
    maxAttempts: setting(
      'OTP_MAX_ATTEMPTS',
      positiveInt(5, 10).description('codes that may be tried on one verification'),
    ),
    sendCooldownMs: setting(
      'SEND_COOLDOWN',
      duration('30s', ['1s', '60m']).description('least time between two texts to one number'),
    ),
  },
);
export type OtpConfig = ConfigType<typeof otpConfig>;
