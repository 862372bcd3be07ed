import { SetMetadata } from '@nestjs/common';

/** `send` is set by `THROTTLE_SEND_LIMIT`, `verify` by `THROTTLE_VERIFY_LIMIT`. */
export type RateLimitName = 'send' | 'verify';

export const RATE_LIMIT = Symbol('rate limit');

/** Counts requests to a route against a named limit. Routes without it are not limited. */
export const RateLimit = (name: RateLimitName) => SetMetadata(RATE_LIMIT, name);
