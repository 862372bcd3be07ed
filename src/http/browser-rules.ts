import helmet from '@fastify/helmet';
import type { INestApplication } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { minutes, seconds } from '../common/durations.js';

/** Answers are data: nothing in them is to be run, loaded or framed. A page brings its own policy. */
const DATA_ONLY = {
  useDefaults: false,
  directives: { defaultSrc: [`'none'`], frameAncestors: [`'none'`] },
};

/** What a page's script may read of an answer besides its body. */
const EXPOSED_HEADERS = ['idempotency-replayed', 'ratelimit', 'ratelimit-policy', 'retry-after'];

/** Tells browsers what not to do with answers, and which pages may ask. */
export async function ruleBrowsers(
  app: INestApplication,
  fastify: FastifyInstance,
  origins: readonly string[],
): Promise<void> {
  await fastify.register(helmet, { contentSecurityPolicy: DATA_ONLY });
  // What is verified now may not be a moment later.
  fastify.addHook('onRequest', async (_request, reply) => {
    void reply.header('cache-control', 'no-store');
  });
  if (origins.length === 0) return;
  app.enableCors({
    origin: [...origins],
    methods: ['GET', 'POST', 'DELETE'],
    allowedHeaders: ['authorization', 'content-type', 'idempotency-key'],
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: minutes(10) / seconds(1),
  });
}
