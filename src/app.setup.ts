/**
 * The HTTP set-up that bootstrap.ts and tests share: the options of the server, and the hooks of
 * src/http in the order in which they run. app.module.ts binds the guards, the pipe and the
 * exception filter.
 */
import type { INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { LogController, type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { minutes, seconds } from './common/durations.js';
import { EventBus } from './common/events.js';
import { authConfig, type AuthConfig } from './config/auth.config.js';
import { httpConfig, type HttpConfig } from './config/http.config.js';
import { isOpenToThisMachine } from './config/open-access.js';
import { handleClientError, handleInvalidUrl } from './http/client-errors.js';
import { GracefulShutdown } from './http/graceful-shutdown.js';
import { enforceHttpSemantics } from './http/http-semantics.js';
import { registerJsonParser } from './http/json-body-parser.js';
import { acceptOnlyLocalHosts } from './http/local-hosts.js';
import { resolveRequestId } from './http/request-id.js';
import { registerRequestTracking } from './http/request-tracking.js';
import { configureBrowserSecurity } from './http/security-headers.js';
import { registerUnmatchedRequests } from './http/unmatched-requests.js';
import { logAuditEvents } from './observability/audit-logger.js';
import { logEvents } from './observability/event-logger.js';
import { TRACING } from './observability/tracing.provider.js';
import type { Tracing } from './observability/tracing.js';
import { setupDocs } from './openapi/docs.setup.js';

const BODY_LIMIT_BYTES = 16 * 1024;

/** Time for a request to arrive completely, in milliseconds. Enough for 16 KiB on a slow network. */
const REQUEST_TIMEOUT_MS = seconds(10);
/** How often Node checks for requests that exceed the timeout, in milliseconds. */
const TIMEOUT_CHECK_INTERVAL_MS = seconds(1);
/**
 * How long a connection may be silent, in milliseconds: its client may have stopped reading. Longer
 * than any request runs (185 s), because the connection is silent until the response.
 */
const CONNECTION_TIMEOUT_MS = minutes(5);

/** Options of `NestFactory.create`: registerJsonParser replaces Nest's body parsers. */
export const APPLICATION_OPTIONS = { bodyParser: false } as const;

/** DTOs validate requests. With these compilers, Fastify does not load Ajv. */
const REJECTING_COMPILERS = {
  buildValidator: () => rejectSchema,
  buildSerializer: () => rejectSchema,
};

function rejectSchema(): never {
  throw new Error('Fastify schemas are disabled. Validate this route with a DTO.');
}

export function createFastifyAdapter(config: HttpConfig, logger: Logger): FastifyAdapter {
  return new FastifyAdapter({
    trustProxy: toTrustProxy(config.trustProxy),
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    http: {
      connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS,
      // Node's default is a minute. Node exchanges the two timeouts if this one is the longer.
      headersTimeout: REQUEST_TIMEOUT_MS,
      // enforceHttpSemantics answers a missing Host header with a problem document.
      requireHostHeader: false,
    },
    // Fastify would match no route for a longer pinId. The route itself answers a malformed pinId
    // of any length with 404 verification_not_found.
    routerOptions: { maxParamLength: BODY_LIMIT_BYTES, ignoreTrailingSlash: true },
    loggerInstance: logger,
    schemaController: { compilersFactory: REJECTING_COMPILERS },
    logController: new LogController({ disableRequestLogging: true }),
    // Log lines get the request's id from RequestContext, not from a logger per request.
    childLoggerFactory: () => logger,
    genReqId: resolveRequestId,
    clientErrorHandler: handleClientError,
    frameworkErrors: handleInvalidUrl,
    // While closing, keep answering requests on open keep-alive connections.
    return503OnClosing: false,
  });
}

/** Adds hooks and routes to a created application and initializes it, so that it can listen. */
export async function setupApp(app: INestApplication, logger: Logger): Promise<void> {
  const fastify = app.getHttpAdapter().getInstance() as FastifyInstance;
  const events = app.get(EventBus);
  const http = app.get<HttpConfig>(httpConfig.KEY);
  logEvents(events, logger);
  logAuditEvents(events, logger);
  registerRequestTracking(fastify, events);
  traceRequests(app, fastify);
  registerJsonParser(fastify);
  configureBrowserSecurity(app, fastify, http.corsOrigins);
  app.get(GracefulShutdown).register(fastify);
  enforceHttpSemantics(fastify);
  if (isOpenToThisMachine(http, app.get<AuthConfig>(authConfig.KEY))) acceptOnlyLocalHosts(fastify);
  const addFallbackRoutes = registerUnmatchedRequests(fastify);
  // Nest sets its error handler in init, and only routes that are added later have it.
  await app.init();
  await setupDocs(app, fastify);
  addFallbackRoutes();
}

/** Starts a span per request, if traces are exported. Call it after registerRequestTracking. */
function traceRequests(app: INestApplication, fastify: FastifyInstance): void {
  const tracing = app.get<Tracing | null>(TRACING);
  if (!tracing) return;
  fastify.addHook('onRequest', (request, _reply, done) => {
    const { requestContext, method, routeOptions } = request;
    request.requestContext = tracing.startRequest(requestContext, method, routeOptions.url);
    done();
  });
}

/**
 * Fastify 5 no longer takes a number of proxies: a client that bypasses the proxies could forge its
 * IP address. A number is supported here for platforms where the proxies are the only way in.
 */
function toTrustProxy(trustProxy: HttpConfig['trustProxy']) {
  if (trustProxy === undefined) return false;
  return typeof trustProxy === 'number'
    ? (_address: string, hop: number) => hop < trustProxy
    : [...trustProxy];
}
