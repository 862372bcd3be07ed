import type { FastifyInstance, FastifyRequest } from 'fastify';
import { getEditDistance } from '../common/closest-word.js';
import { type DomainError, errors } from '../common/domain-error.js';
import { isPreflight } from './security-headers.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'];

/** Longer than every route. A distance takes time in proportion to the length of the path. */
const MAX_COMPARED_LENGTH = 32;
/** Not suggested: routes with parameters, and files. */
const PARAMETER_OR_FILE = /[:*.]/;

type MethodsByPath = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Answers 405 with `Allow` (RFC 9110 §15.5.6) where a path exists but not with the method; Fastify
 * answers 404. A 404 names the nearest route. Call it before the first route, and the function that it
 * returns after the last.
 */
export function registerUnmatchedRequests(fastify: FastifyInstance): () => void {
  const methodsByPath = new Map<string, Set<string>>();
  fastify.addHook('onRoute', ({ url, method }) => {
    const methods = methodsByPath.get(url) ?? new Set();
    [method].flat().forEach((name) => methods.add(name));
    methodsByPath.set(url, methods);
  });
  let documented: MethodsByPath = new Map();
  fastify.addHook('onRequest', (request, _reply, done) => {
    done(request.is404 ? createNotFound(request, documented) : undefined);
  });

  return () => {
    documented = new Map([...methodsByPath].map(([url, methods]) => [url, new Set(methods)]));
    for (const [url, allowed] of documented) rejectOtherMethods(fastify, url, allowed, documented);
  };
}

function rejectOtherMethods(
  fastify: FastifyInstance,
  url: string,
  allowed: ReadonlySet<string>,
  documented: MethodsByPath,
): void {
  const allow = [...allowed].join(', ');
  fastify.route({
    url,
    method: METHODS.filter((method) => !allowed.has(method)),
    onRequest: async (request, reply) => {
      // Every POST route has a fixed path: one that looks like a parameter is misspelt.
      if (request.method === 'POST' && url.includes(':')) throw createNotFound(request, documented);
      void reply.header('allow', allow);
      const message = isPreflight(request)
        ? 'Pages of this origin may not call the service, because CORS_ORIGINS does not list it.'
        : `This path supports only ${allow}.`;
      throw errors.methodNotAllowed({ message });
    },
    handler: () => undefined,
  });
}

/** Does not repeat the path: it may contain a number, a code or an API key. */
function createNotFound({ method, url }: FastifyRequest, documented: MethodsByPath): DomainError {
  const [path = ''] = url.slice(0, MAX_COMPARED_LENGTH).split('?');
  const [nearest] = [...documented]
    .filter(([route, methods]) => methods.has(method) && !PARAMETER_OR_FILE.test(route))
    .map(([route]) => ({ route, distance: getEditDistance(path, route) }))
    .sort((one, other) => one.distance - other.distance);
  const hint = nearest ? ` The nearest is \`${method} ${nearest.route}\`.` : '';
  return errors.notFound({ message: `No route has this path.${hint}` });
}
