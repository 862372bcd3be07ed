import type { ConfigType } from '@nestjs/config';
import Joi from 'joi';
import { defineConfig, setting } from './define-config.js';
import { oneOf, positiveInt } from './env-types.js';

export const pumpingConfig = defineConfig('pumping', 'Fraud protection', {
  mode: setting('PUMPING_GUARD', oneOf('enforce', 'observe', 'off').default('enforce'), {
    description:
      'mode of the protection against SMS pumping; `observe` only logs what it would block',
  }),
  floorPerHour: setting('PUMPING_FLOOR_PER_HOUR', positiveInt(10, 1_000_000), {
    description:
      'unverified messages allowed per hour to a country or prefix; verified messages allow more',
  }),
  floorPerDay: setting('PUMPING_FLOOR_PER_DAY', positiveInt(30, 1_000_000), {
    description:
      'unverified messages allowed per day to a country or prefix; verified messages allow more',
  }),
  unverifiedRatio: setting('PUMPING_UNVERIFIED_RATIO', Joi.number().min(0).max(100).default(0.8), {
    description: 'additional unverified messages allowed for each verified message',
  }),
});
export type PumpingConfig = ConfigType<typeof pumpingConfig>;
