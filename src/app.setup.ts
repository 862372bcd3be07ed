import { randomUUID } from 'node:crypto';
import type { INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { LogController, type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { AppConfig } from './config/app-config.js';
import { readJsonOnly } from './http/body-reader.js';
import { ruleBrowsers } from './http/browser-rules.js';
import { Drain } from './http/drain.js';
import { watchMethods } from './http/method-not-allowed.js';
import { answerMalformedHttp, answerUnroutable } from './http/raw-problems.js';

const BODY_LIMIT_BYTES = 16 * 1024;

/** Options for creating the application: JSON is the only body, and Fastify reads it. */
export const APPLICATION_OPTIONS = { bodyParser: false } as const;

/** The HTTP server underneath, the same for `main` and for every test. */
export function createAdapter({ http }: AppConfig, logger: Logger): FastifyAdapter {
  return new FastifyAdapter({
    trustProxy: trustOf(http.trustProxy),
    bodyLimit: BODY_LIMIT_BYTES,
    // A handle of any length is looked up: one that cannot be is as unknown as any other.
    routerOptions: { maxParamLength: BODY_LIMIT_BYTES },
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    clientErrorHandler: answerMalformedHttp,
    frameworkErrors: answerUnroutable,
    // What still comes on a connection that is kept alive, while the server closes, is answered.
    return503OnClosing: false,
  });
}

/** Makes a created application ready to listen, the same for `main` and for every test. */
export async function setupApp(app: INestApplication): Promise<void> {
  const fastify = app.getHttpAdapter().getInstance() as FastifyInstance;
  readJsonOnly(fastify);
  await ruleBrowsers(app, fastify, app.get(AppConfig).http.corsOrigins);
  app.get(Drain).watch(fastify);
  const refuseOtherMethods = watchMethods(fastify);
  await app.init();
  refuseOtherMethods();
}

/**
 * Fastify itself no longer takes a number of hops, because whoever reaches the port past the proxies
 * can then say who it is. Where they are the only way in, as on many platforms, it is all one knows.
 */
function trustOf(proxies: AppConfig['http']['trustProxy']) {
  if (proxies === undefined) return false;
  return typeof proxies === 'number'
    ? (_address: string, hop: number) => hop < proxies
    : [...proxies];
}
