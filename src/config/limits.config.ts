import type { ConfigType } from '@nestjs/config';
import { defineConfig, setting } from './define-config.js';
import { positiveInt } from './env-types.js';

export const limitsConfig = defineConfig('limits', 'Codes and limits', {
  sendsPerNumberPerDay: setting('SENDS_PER_NUMBER_PER_DAY', positiveInt(10, 1_000), {
    description: 'messages to one number in any 24 hours, from all clients together',
  }),
  failuresPerNumberPerHour: setting('FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR', positiveInt(10, 1_000), {
    description:
      'wrong codes for one number in any hour, in all its verifications; a right code does not reset the count',
  }),
  failuresPerNumberPerDay: setting('FAILED_ATTEMPTS_PER_NUMBER_PER_DAY', positiveInt(20, 1_000), {
    description:
      'wrong codes for one number in any 24 hours, in all its verifications; a right code does not reset the count',
  }),
  sendsPerClientPerDay: setting('CLIENT_SENDS_PER_DAY', positiveInt(100_000, 100_000_000), {
    description: 'messages from one client in any 24 hours',
  }),
  sendsPerEndUserPerHour: setting('SENDS_PER_END_USER_IP_PER_HOUR', positiveInt(20, 1_000), {
    description: 'messages for all end users with one `endUserIp` in any hour',
  }),
});
export type LimitsConfig = ConfigType<typeof limitsConfig>;
