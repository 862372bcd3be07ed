import { applyDecorators, type Type } from '@nestjs/common';
import type { ErrorCode } from '../common/error-catalog.js';
import { problemResponses, ProblemSchema } from './problem.schema.js';
import { headersOf } from './response-headers.js';
import { commonErrors, readTraits } from './route-traits.js';
import { whenLoaded } from './swagger.js';

/** What the API document says about a route and its other decorators do not. */
interface RouteDoc {
  readonly summary: string;
  readonly description: string;
  /** Responses that are no problem documents, by status. The body is of the type, or of one of several. */
  readonly responses: Readonly<
    Record<number, { readonly description: string; readonly type?: Type | readonly Type[] }>
  >;
  /** Error codes of this route, beside those that all routes of its kind have. */
  readonly errors?: readonly ErrorCode[];
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
 * Documents a route. Security, headers and the errors that similar routes share follow from its
 * other decorators: `@Public()`, `@RateLimit()`, `@Body()` and the HTTP method.
 */
export const ApiRoute = (route: RouteDoc): MethodDecorator =>
  whenLoaded((swagger, controller, method = '') => {
    const { summary, description, responses, errors = [], idempotent = false } = route;
    const traits = readTraits(controller, method, idempotent);
    const problems = problemResponses([...commonErrors(traits), ...errors]);
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
      ...problems.map(({ status, ...problem }) =>
        swagger.ApiResponse({ ...problem, status, headers: headersOf(status, traits) }),
      ),
    );
  });
