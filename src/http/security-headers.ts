import type { IncomingMessage, ServerResponse } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import helmet from 'helmet';
import { minutes, seconds } from '../common/durations.js';

/** Answers are data: nothing in them is to be run, loaded or framed. A page brings its own policy. */
const API_CSP = {
  useDefaults: false,
  directives: { defaultSrc: [`'none'`], frameAncestors: [`'none'`] },
};

/** What a page's script may read of an answer besides its body. */
const EXPOSED_HEADERS = ['idempotency-replayed', 'ratelimit', 'ratelimit-policy', 'retry-after'];

/** What helmet sets. It depends on no request, so it is asked once. */
function protectiveHeaders(): Record<string, string> {
  const headers: Record<string, string> = {};
  const answer = {
    setHeader: (name: string, value: string) => {
      headers[name.toLowerCase()] = value;
    },
    removeHeader: () => undefined,
  };
  helmet({ contentSecurityPolicy: API_CSP })(
    {} as IncomingMessage,
    answer as unknown as ServerResponse,
    (error) => {
      if (error) throw error as Error;
    },
  );
  return headers;
}

/** What every answer has. */
export const SECURITY_HEADERS = {
  // What is verified now may not be a moment later.
  'cache-control': 'no-store',
  ...protectiveHeaders(),
};

/** Tells browsers what not to do with answers, and which pages may ask. */
export function configureBrowserSecurity(
  app: INestApplication,
  fastify: FastifyInstance,
  origins: readonly string[],
): void {
  fastify.addHook('onRequest', (_request, reply, done) => {
    void reply.headers(SECURITY_HEADERS);
    done();
  });
  if (origins.length === 0) return;
  const rules = {
    origin: [...origins],
    methods: ['GET', 'POST', 'DELETE'],
    allowedHeaders: ['authorization', 'content-type', 'idempotency-key'],
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: minutes(10) / seconds(1),
  };
  const withoutPreflight = { preflight: false, ...rules };
  // The plugin would answer every OPTIONS, and those that are no preflight (Fetch §3.2.2) by plain text.
  const delegator = (
    { headers }: FastifyRequest,
    callback: (error: null, chosen: object) => void,
  ): void => {
    const isPreflight = headers.origin && headers['access-control-request-method'];
    callback(null, isPreflight ? rules : withoutPreflight);
  };
  app.enableCors({ delegator });
}
