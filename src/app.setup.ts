import { randomUUID } from 'node:crypto';
import type { INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { LogController, type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { watchMethods } from './http/method-not-allowed.js';
import { answerMalformedHttp, answerUnroutable } from './http/raw-problems.js';

const BODY_LIMIT_BYTES = 16 * 1024;

/** Options for creating the application: JSON is the only body, and Fastify reads it. */
export const APPLICATION_OPTIONS = { bodyParser: false } as const;

/** The HTTP server underneath, the same for `main` and for every test. */
export function createAdapter(logger: Logger): FastifyAdapter {
  return new FastifyAdapter({
    bodyLimit: BODY_LIMIT_BYTES,
    // A handle of any length is looked up: one that cannot be is as unknown as any other.
    routerOptions: { maxParamLength: BODY_LIMIT_BYTES },
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    clientErrorHandler: answerMalformedHttp,
    frameworkErrors: answerUnroutable,
  });
}

/** Makes a created application ready to listen, the same for `main` and for every test. */
export async function setupApp(app: INestApplication): Promise<void> {
  const fastify = app.getHttpAdapter().getInstance() as FastifyInstance;
  fastify.removeContentTypeParser('text/plain');
  const refuseOtherMethods = watchMethods(fastify);
  await app.init();
  refuseOtherMethods();
}
