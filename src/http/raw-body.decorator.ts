import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The largest body of a route that gets its JSON body as bytes. */
    readonly rawBodyLimit?: number;
  }
}

/** A route that gets its JSON body as a `Buffer`, of at most `limit` bytes: a signature covers it. */
export const RawBody = (limit: number) => RouteConfig({ rawBodyLimit: limit });

/** Applies the limits of {@link RawBody}. Call it before routes are added. */
export function applyRawBodyLimits(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (route) => {
    const limit = route.config?.rawBodyLimit;
    if (limit !== undefined) route.bodyLimit = limit;
  });
}
