import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { findClosestWord } from '../common/closest-word.js';
import { DomainError } from '../common/domain-error.js';
import { isPreflight } from './security-headers.js';

/** Every method that a route may have. PROPFIND, for example, is none of them. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'];

/** How many characters of a path are compared with the routes, which are all shorter. */
const MAX_COMPARED_LENGTH = 32;
/** Not suggested: routes with parameters, files, and the routes that only pages call. */
const NOT_SUGGESTED = /[:*.]|^\/$|^\/demo\//;
const DEMO_PATH = '/demo';

type MethodsByPath = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Answers 405 with `Allow` (RFC 9110 §15.5.6) if a path exists but not with the method; Fastify
 * itself would answer 404. A 404 names a similar route, if there is one. Call this before the first route is
 * added, and the returned function after the last.
 */
export function registerUnmatchedRequests(fastify: FastifyInstance): () => void {
  const methodsByPath = new Map<string, Set<string>>();
  fastify.addHook('onRoute', ({ url, method }) => {
    // The CORS plugin adds `OPTIONS *`, which also matches paths that do not exist.
    if (url === '*') return;
    const methods = methodsByPath.get(url) ?? new Set();
    [method].flat().forEach((name) => methods.add(name));
    methodsByPath.set(url, methods);
  });
  let routes: MethodsByPath = new Map();
  fastify.addHook('onRequest', (request, reply, done) => {
    if (!request.is404) {
      done();
      return;
    }
    const allowed = METHODS.includes(request.method) ? undefined : findMethods(request, routes);
    done(
      allowed ? createMethodNotAllowed(request, reply, allowed) : createNotFound(request, routes),
    );
  });

  return () => {
    // A copy, because the routes that are added now reach the hook as well.
    routes = new Map([...methodsByPath].map(([url, methods]) => [url, new Set(methods)]));
    for (const [url, allowed] of routes) rejectOtherMethods(fastify, url, allowed, routes);
  };
}

function rejectOtherMethods(
  fastify: FastifyInstance,
  url: string,
  allowed: ReadonlySet<string>,
  routes: MethodsByPath,
): void {
  fastify.route({
    url,
    method: METHODS.filter((method) => !allowed.has(method)),
    onRequest: async (request, reply) => {
      // Every POST route has a fixed path: a POST to `/otp/:pinId` has a misspelt path.
      if (request.method === 'POST' && url.includes(':')) throw createNotFound(request, routes);
      throw createMethodNotAllowed(request, reply, allowed);
    },
    handler: () => undefined,
  });
}

/** Creates the error of a path that exists without the method, and sets `Allow`. */
function createMethodNotAllowed(
  request: FastifyRequest,
  reply: FastifyReply,
  allowed: ReadonlySet<string>,
): DomainError {
  const allow = [...allowed].join(', ');
  void reply.header('allow', allow);
  const message = isPreflight(request)
    ? 'Pages of this origin may not call the service, because CORS_ORIGINS does not list it.'
    : `This path supports only ${allow}.`;
  return new DomainError('method_not_allowed', { message });
}

/** The methods of the route that has the path; a fixed path comes before one with parameters. */
function findMethods(
  { url }: FastifyRequest,
  routes: MethodsByPath,
): ReadonlySet<string> | undefined {
  const [path = ''] = url.split('?');
  const fixedPath = path.replace(/(?<=.)\/$/, '');
  const hasPath = ([route]: [string, unknown]): boolean =>
    route.includes(':') && new RegExp(`^${route.replace(/:\w+/g, '[^/]+')}/?$`).test(path);
  return routes.get(fixedPath) ?? [...routes].find(hasPath)?.[1];
}

/** Does not repeat the path: it may contain a number, a code or an API key. */
function createNotFound({ method, url }: FastifyRequest, routes: MethodsByPath): DomainError {
  const [fullPath = ''] = url.slice(0, MAX_COMPARED_LENGTH).split('?');
  const path = fullPath.replace(/(?<=.)\/$/, '');
  if (path === DEMO_PATH) {
    const need = 'The demo page needs the sandbox, and a service without API keys.';
    return new DomainError('not_found', { message: `No route has this path. ${need}` });
  }
  const suggestions = [...routes]
    .filter(([route, methods]) => methods.has(method) && !NOT_SUGGESTED.test(route))
    .map(([route]) => route);
  const nearest = findNearestRoute(path, suggestions);
  const hint = nearest === undefined ? '' : ` The nearest is \`${method} ${nearest}\`.`;
  return new DomainError('not_found', { message: `No route has this path.${hint}` });
}

/** A route with another prefix (`/send`, `/api/otp/send`), or one that differs in a few letters. */
const findNearestRoute = (path: string, routes: readonly string[]): string | undefined =>
  routes.find((route) => path.endsWith(route) || (path !== '/' && route.endsWith(path))) ??
  findClosestWord(path, routes, ({ length }) => length / 3);
