import { SetMetadata } from '@nestjs/common';

export const PUBLIC = Symbol('public');

/** Marks a route that needs no API key. Its responses must not reveal anything about a client. */
export const Public = () => SetMetadata(PUBLIC, true);
