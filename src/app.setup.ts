import type { INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { LogController, type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { seconds } from './common/durations.js';
import { EventBus } from './common/events.js';
import { httpConfig, type HttpConfig } from './config/http.config.js';
import { registerJsonParser } from './http/json-body-parser.js';
import { configureBrowserSecurity } from './http/security-headers.js';
import { GracefulShutdown } from './http/graceful-shutdown.js';
import { enforceHttpSemantics } from './http/http-semantics.js';
import { registerMethodNotAllowed } from './http/method-not-allowed.js';
import { resolveRequestId } from './http/request-id.js';
import { registerRequestTracking } from './http/request-tracking.js';
import { handleClientError, handleInvalidUrl } from './http/client-errors.js';
import { EventLogger } from './observability/event-logger.js';
import { METRICS_PATH } from './observability/metrics-server.js';
import { Metrics } from './observability/metrics.js';

const BODY_LIMIT_BYTES = 16 * 1024;

/** From a request's first byte to its last, in milliseconds: 16 KiB, over the slowest of networks. */
const REQUEST_TIMEOUT_MS = seconds(10);
/** How often Node looks for requests that take longer. */
const TIMEOUT_CHECK_INTERVAL_MS = seconds(1);

/** Options for creating the application: JSON is the only body, and Fastify reads it. */
export const APPLICATION_OPTIONS = { bodyParser: false } as const;

/** Routes say by their DTOs what they take, so what Fastify would load to read schemas stays away. */
const NO_SCHEMAS = {
  buildValidator: () => noSchema,
  buildSerializer: () => noSchema,
};

function noSchema(): never {
  throw new Error('A route has a schema of Fastify: describe its body by a DTO.');
}

/** The HTTP server underneath, the same for `main` and for every test. */
export function createAdapter(config: HttpConfig, logger: Logger): FastifyAdapter {
  return new FastifyAdapter({
    trustProxy: trustOf(config.trustProxy),
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Node ends no slow body while the time for a head is longer than that for all.
    http: {
      connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
      // Node would answer without a word: see enforceHttpSemantics.
      requireHostHeader: false,
    },
    // A handle of any length is looked up: one that cannot be is as unknown as any other.
    routerOptions: { maxParamLength: BODY_LIMIT_BYTES },
    loggerInstance: logger,
    schemaController: { compilersFactory: NO_SCHEMAS },
    logController: new LogController({ disableRequestLogging: true }),
    // Every line of a request is known by its context: a logger of its own would say it again.
    childLoggerFactory: () => logger,
    genReqId: resolveRequestId,
    clientErrorHandler: handleClientError,
    frameworkErrors: handleInvalidUrl,
    // What still comes on a connection that is kept alive, while the server closes, is answered.
    return503OnClosing: false,
  });
}

/** Makes a created application ready to listen, the same for `main` and for every test. */
export async function setupApp(app: INestApplication, logger: Logger): Promise<void> {
  const fastify = app.getHttpAdapter().getInstance() as FastifyInstance;
  new EventLogger(logger).subscribeTo(app.get(EventBus));
  registerRequestTracking(fastify, app.get(EventBus));
  registerJsonParser(fastify);
  configureBrowserSecurity(app, fastify, app.get<HttpConfig>(httpConfig.KEY).corsOrigins);
  app.get(GracefulShutdown).register(fastify);
  enforceHttpSemantics(fastify);
  const finishRoutes = registerMethodNotAllowed(fastify);
  serveMetrics(app, fastify);
  await app.init();
  finishRoutes();
}

/** On the port of all else, unless the settings give them one of their own. */
function serveMetrics(app: INestApplication, fastify: FastifyInstance): void {
  if (app.get<HttpConfig>(httpConfig.KEY).metricsPort !== undefined) return;
  const metrics = app.get(Metrics);
  fastify.get(METRICS_PATH, async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.render()),
  );
}

/**
 * Fastify itself no longer takes a number of hops, because whoever reaches the port past the proxies
 * can then say who it is. Where they are the only way in, as on many platforms, it is all one knows.
 */
function trustOf(proxies: HttpConfig['trustProxy']) {
  if (proxies === undefined) return false;
  return typeof proxies === 'number'
    ? (_address: string, hop: number) => hop < proxies
    : [...proxies];
}
