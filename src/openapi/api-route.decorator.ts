import { applyDecorators, type Type } from '@nestjs/common';
import { problemResponses, ProblemSchema } from './problem.schema.js';
import { headersOf } from './response-headers.js';
import { errorsOf, readTraits } from './route-traits.js';
import { whenLoaded } from './swagger.js';

/** What the API document says about a route and its other decorators do not. */
interface RouteDoc {
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
export const ApiRoute = (route: RouteDoc): MethodDecorator =>
  whenLoaded((swagger, controller, method = '') => {
    const { summary, description, responses, idempotent = false } = route;
    const traits = readTraits(controller, method, idempotent);
    const problems = problemResponses(errorsOf(String(method), traits), traits);
    const security = traits.isPublic ? [] : [{ apiKey: [] }];
    const models = [ProblemSchema, ...Object.values(responses).flatMap(({ type = [] }) => type)];
    const bodyOf = (type: Type | readonly Type[]) =>
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
          ...(type && bodyOf(type)),
          status: Number(status),
          headers: headersOf(Number(status), traits),
        }),
      ),
      ...problems.map((problem) => swagger.ApiResponse(problem)),
    );
  });
