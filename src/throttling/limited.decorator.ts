import { SetMetadata } from '@nestjs/common';

/** The named limits, and which settings hold them. */
export type LimitName = 'send' | 'verify';

export const LIMIT_NAME = Symbol('limit name');

/** Puts a route under one of the named limits. A route without one is not counted. */
export const Limited = (name: LimitName) => SetMetadata(LIMIT_NAME, name);
