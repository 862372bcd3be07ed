import { applyDecorators, RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { ERROR_CATALOG, ERROR_CODES } from '../common/error-catalog.js';
import { PUBLIC } from '../http/public.decorator.js';
import { RATE_LIMIT } from '../throttling/rate-limit.decorator.js';
import { createProblemResponses, ProblemSchema } from './problem.schema.js';
import { getResponseHeaders } from './response-headers.js';
import { whenSwaggerLoads } from './swagger.js';

/** The documentation of a route that its other decorators do not contain. */
interface ApiRouteOptions {
  readonly summary: string;
  readonly description: string;
  /** Responses other than problem documents, by status. The body has one of the types. */
  readonly responses: Readonly<
    Record<number, { readonly description: string; readonly type?: Type | readonly Type[] }>
  >;
  /** Whether the route honours an `Idempotency-Key`. */
  readonly idempotent?: boolean;
}

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  description:
    'Identifies this request among yours for 24 hours: a repeat gets the same response and sends nothing twice.',
  schema: { pattern: '^[ -~]{1,255}$', examples: ['login-4711-send'] },
};

/**
 * Documents a route. Its security and headers follow from `@Public()`, `@RateLimit()` and
 * `idempotent`. Its errors are those whose `returnedBy` in the error catalog matches the route.
 */
export const ApiRoute = (route: ApiRouteOptions): MethodDecorator =>
  whenSwaggerLoads((swagger, prototype, handlerName = '') => {
    const { summary, description, responses, idempotent = false } = route;
    const { traits, codes } = readRoute(prototype, handlerName, idempotent);
    const security = traits.needsApiKey ? [{ apiKey: [] }] : [];
    const models = [ProblemSchema, ...Object.values(responses).flatMap(({ type = [] }) => type)];
    const toBodySchema = (type: Type | readonly Type[]) =>
      'name' in type
        ? { type }
        : { schema: { oneOf: type.map((each) => ({ $ref: swagger.getSchemaPath(each) })) } };
    return applyDecorators(
      swagger.ApiOperation({ summary, description, security }),
      swagger.ApiExtraModels(...models),
      ...(idempotent ? [swagger.ApiHeader(IDEMPOTENCY_KEY)] : []),
      ...Object.entries(responses).map(([status, { type, ...response }]) =>
        swagger.ApiResponse({
          ...response,
          ...(type && toBodySchema(type)),
          status: Number(status),
          headers: getResponseHeaders(Number(status), traits),
        }),
      ),
      ...createProblemResponses(codes, traits).map((problem) => swagger.ApiResponse(problem)),
    );
  });

/** Reads a route's traits from the metadata of its decorators, and its errors from the catalog. */
function readRoute(prototype: object, handlerName: string | symbol, isIdempotent: boolean) {
  const controller = prototype.constructor;
  const handler = (prototype as Record<string | symbol, object>)[handlerName] ?? {};
  const parameters = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, handlerName) ??
    {}) as object;
  const needsApiKey = ![handler, controller].some((target) => Reflect.hasMetadata(PUBLIC, target));
  const isGet = Reflect.getMetadata(METHOD_METADATA, handler) === RequestMethod.GET;
  const body = `${String(RouteParamtypes.BODY)}:`;
  /** The values of `returnedBy` in the catalog that match this route. */
  const sources = [
    handlerName,
    needsApiKey && 'authenticated',
    needsApiKey && !isGet && 'write',
    // Its errors include `validation_failed`, also for an invalid Idempotency-Key: a route that
    // honours the header has a body.
    Object.keys(parameters).some((id) => id.startsWith(body)) && 'body',
    isIdempotent && 'idempotent',
  ];
  const codes = ERROR_CODES.filter((code) =>
    ERROR_CATALOG[code].returnedBy?.some((source) => sources.includes(source)),
  );
  const isRateLimited = Reflect.hasMetadata(RATE_LIMIT, handler);
  return { traits: { needsApiKey, isRateLimited, isIdempotent }, codes };
}
