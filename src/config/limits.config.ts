import type { ConfigType } from '@nestjs/config';
import Joi from 'joi';
import { defineConfig, setting } from './define-config.js';
import { positiveInt } from './env-types.js';

export const limitsConfig = defineConfig('limits', 'Codes and limits', {
  sendsPerNumberPerDay: setting('SENDS_PER_NUMBER_PER_DAY', positiveInt(10, 1_000), {
    description: 'messages from one client to one number in any 24 hours',
  }),
  failuresPerNumberPerHour: setting('FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR', positiveInt(10, 1_000), {
    description:
      'wrong codes from one client for one number in any hour, in all its verifications; a right code resets the count',
  }),
  failuresPerNumberPerDay: setting('FAILED_ATTEMPTS_PER_NUMBER_PER_DAY', positiveInt(20, 1_000), {
    description:
      'wrong codes from one client for one number in any 24 hours, in all its verifications; a right code does not reset the count',
  }),
  clientSharePerNumber: setting(
    'CLIENT_SHARE_PER_NUMBER',
    Joi.number().greater(0).max(1).default(0.5),
    {
      description:
        'share of the three limits above that a client has while other clients use the number, too; the first code of a verification is checked even beyond this share',
      values: 'more than 0, to 1',
    },
  ),
  sendsPerClientPerDay: setting('CLIENT_SENDS_PER_DAY', positiveInt(100_000, 100_000_000), {
    description: 'messages from one client in any 24 hours',
  }),
  wrongCodesPerClientPerDay: setting('CLIENT_WRONG_CODES_PER_DAY', positiveInt(300, 100_000_000), {
    description:
      'wrong codes from one client in any 24 hours, over all numbers; every two verified messages allow one more code; beyond this limit, only the first code of each verification is checked',
  }),
  unreachablePerClientPerDay: setting('CLIENT_UNREACHABLE_PER_DAY', positiveInt(30, 100_000_000), {
    description:
      'unreachable numbers that one client sends to in any 24 hours; every 20 messages allow one more',
  }),
  sendsPerEndUserPerHour: setting('SENDS_PER_END_USER_IP_PER_HOUR', positiveInt(20, 1_000), {
    description: 'messages from one client for all end users with one `endUserIp` in any hour',
  }),
});
export type LimitsConfig = ConfigType<typeof limitsConfig>;

/**
 * How much of a limit per number a client has while other clients use the number, too: at least one.
 * Rounds to six decimals before it rounds up: 100 * 0.07 is slightly more than 7 in floating point, and
 * must not become 8.
 */
export const getClientShare = (count: number, { clientSharePerNumber }: LimitsConfig): number =>
  Math.ceil(Number((count * clientSharePerNumber).toFixed(6)));
