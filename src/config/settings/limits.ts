import Joi from 'joi';
import { count, duration, type SettingGroup } from '../setting-kinds.js';

export const LIMITS = {
  title: 'Codes and limits',
  settings: {
    // NIST SP 800-63B-4: a secret sent out of band lives at most 10 minutes, and guesses at it are
    // limited (§3.1.3.2).
    OTP_TTL: duration('5m', ['1s', '10m']).description('how long a code can be verified'),
    OTP_MAX_ATTEMPTS: count(5, 10).description('codes that may be tried on one verification'),
    SEND_COOLDOWN: duration('30s', ['1s', '60m']).description(
      'least time between two texts to one number',
    ),
    SENDS_PER_NUMBER_PER_DAY: count(10, 1_000).description(
      'texts to one number in any 24 hours, all clients together',
    ),
    FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: count(10, 1_000).description(
      'wrong codes for one number in any hour, over all its verifications',
    ),
    FAILED_ATTEMPTS_PER_NUMBER_PER_DAY: count(20, 1_000).description(
      'the same in any 24 hours; a success does not reopen the day',
    ),
    CLIENT_SENDS_PER_DAY: count(100_000, 100_000_000).description(
      'texts that one client may cause in any 24 hours',
    ),
    SENDS_PER_END_USER_IP_PER_HOUR: count(20, 1_000).description(
      'texts that users behind one `endUserIp` may cause in any hour',
    ),
    THROTTLE_SEND_LIMIT: count(60, 1_000_000).description(
      'sends and resends a minute by one client, or from one address where no key is asked for',
    ),
    THROTTLE_VERIFY_LIMIT: count(300, 1_000_000).description(
      'verifies and all other requests a minute, likewise',
    ),
  },
} satisfies SettingGroup;

export const PUMPING = {
  title: 'The pumping guard',
  about: 'Texts that nobody verifies; see [the pumping guard](fraud-protection.md).',
  settings: {
    PUMPING_GUARD: Joi.string()
      .valid('enforce', 'observe', 'off')
      .default('enforce')
      .description('`observe` only logs what it would refuse'),
    PUMPING_FLOOR_PER_HOUR: count(10, 1_000_000).description(
      'unverified texts that a country or a number prefix may always have in an hour',
    ),
    PUMPING_FLOOR_PER_DAY: count(30, 1_000_000).description('the same in a day'),
    PUMPING_UNVERIFIED_RATIO: Joi.number()
      .min(0)
      .max(100)
      .default(0.8)
      .description('beyond the floor, unverified texts for each verified one'),
  },
} satisfies SettingGroup;
