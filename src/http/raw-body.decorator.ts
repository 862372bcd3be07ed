import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** For a route that gets its JSON body as bytes: the largest body, in bytes. */
    readonly rawBodyLimit?: number;
  }
}

/**
 * Marks a route that gets its JSON body as a `Buffer`, because a signature covers the bytes.
 * @param limit the largest body, in bytes
 */
export const RawBody = (limit: number) => RouteConfig({ rawBodyLimit: limit });

/** Applies the limits of {@link RawBody}. Call it before routes are added. */
export function applyRawBodyLimits(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (route) => {
    const limit = route.config?.rawBodyLimit;
    if (limit !== undefined) route.bodyLimit = limit;
  });
}
