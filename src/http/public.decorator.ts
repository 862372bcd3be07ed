import { SetMetadata } from '@nestjs/common';

export const PUBLIC = Symbol('public');

/** A route without API key. It must not reveal anything about a client. */
export const Public = () => SetMetadata(PUBLIC, true);
