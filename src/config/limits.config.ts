import type { ConfigType } from '@nestjs/config';
import { configNamespace, setting } from './config-namespace.js';
import { positiveInt } from './env-types.js';

export const limitsConfig = configNamespace(
  'limits',
  { title: 'Codes and limits' },
  {
    sendsPerNumberPerDay: setting(
      'SENDS_PER_NUMBER_PER_DAY',
      positiveInt(10, 1_000).description(
        'texts to one number in any 24 hours, all clients together',
      ),
    ),
    failuresPerNumberPerHour: setting(
      'FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR',
      positiveInt(10, 1_000).description(
        'wrong codes for one number in any hour, over all its verifications',
      ),
    ),
    failuresPerNumberPerDay: setting(
      'FAILED_ATTEMPTS_PER_NUMBER_PER_DAY',
      positiveInt(20, 1_000).description(
        'the same in any 24 hours; a success does not reopen the day',
      ),
    ),
    sendsPerClientPerDay: setting(
      'CLIENT_SENDS_PER_DAY',
      positiveInt(100_000, 100_000_000).description(
        'texts that one client may cause in any 24 hours',
      ),
    ),
    sendsPerEndUserPerHour: setting(
      'SENDS_PER_END_USER_IP_PER_HOUR',
      positiveInt(20, 1_000).description(
        'texts that users behind one `endUserIp` may cause in any hour',
      ),
    ),
  },
);
export type LimitsConfig = ConfigType<typeof limitsConfig>;
