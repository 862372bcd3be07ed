import { SetMetadata } from '@nestjs/common';

export const PUBLIC = Symbol('public');

/** Marks what is answered without an API key: what tells nothing of any client. */
export const Public = () => SetMetadata(PUBLIC, true);
