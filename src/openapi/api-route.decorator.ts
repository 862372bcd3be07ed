import { applyDecorators, RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { ERROR_CATALOG, ERROR_CODES } from '../common/error-catalog.js';
import { PUBLIC } from '../http/public.decorator.js';
import { RATE_LIMIT } from '../throttling/rate-limit.decorator.js';
import { createProblemResponses, ProblemSchema } from './problem.schema.js';
import { getResponseHeaders } from './response-headers.js';
import { whenSwaggerLoads } from './swagger.js';

/** What the API document says about a route and its other decorators do not. */
interface ApiRouteOptions {
  readonly summary: string;
  readonly description: string;
  /** Responses that are no problem documents, by status. The body is of the type, or of one of several. */
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
 * Documents a route. Security and headers follow from its other decorators (`@Public()`,
 * `@RateLimit()`, `@Body()`) and the HTTP method, its errors from the error catalog.
 */
export const ApiRoute = (route: ApiRouteOptions): MethodDecorator =>
  whenSwaggerLoads((swagger, controller, method = '') => {
    const { summary, description, responses, idempotent = false } = route;
    const { traits, codes } = readRoute(controller, method, idempotent);
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

/** Reads the metadata that Nest and the guards use, and the errors of such a route in the catalog. */
function readRoute(prototype: object, key: string | symbol, isIdempotent: boolean) {
  const controller = prototype.constructor;
  const handler = (prototype as Record<string | symbol, object>)[key] ?? {};
  const parameters = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, key) ?? {}) as object;
  const needsApiKey = ![handler, controller].some((target) => Reflect.hasMetadata(PUBLIC, target));
  const isGet = Reflect.getMetadata(METHOD_METADATA, handler) === RequestMethod.GET;
  const body = `${String(RouteParamtypes.BODY)}:`;
  const sources = [
    key,
    // Each authenticated route validates an Idempotency-Key, also where it has no effect.
    needsApiKey && 'authenticated',
    needsApiKey && !isGet && 'write',
    Object.keys(parameters).some((id) => id.startsWith(body)) && 'body',
    isIdempotent && 'idempotent',
  ];
  const codes = ERROR_CODES.filter((code) =>
    ERROR_CATALOG[code].returnedBy?.some((source) => sources.includes(source)),
  );
  const isRateLimited = Reflect.hasMetadata(RATE_LIMIT, handler);
  return { traits: { needsApiKey, isRateLimited, isIdempotent }, codes };
}
