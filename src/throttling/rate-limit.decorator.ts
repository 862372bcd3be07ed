import { SetMetadata } from '@nestjs/common';

/** The named limits, and which settings hold them. */
export type RateLimitName = 'send' | 'verify';

export const RATE_LIMIT = Symbol('limit name');

/** Puts a route under one of the named limits. A route without one is not counted. */
export const RateLimit = (name: RateLimitName) => SetMetadata(RATE_LIMIT, name);
