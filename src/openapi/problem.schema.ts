import type { FieldError } from '../common/domain-error.js';
import {
  describeError,
  ERROR_CATALOG,
  ERROR_CODES,
  type ErrorCode,
} from '../common/error-catalog.js';
import { PROBLEM_MEDIA_TYPE, type toProblem } from '../http/problem.js';
import { listMeanings } from './describe-enum.js';
import { getResponseHeaders, type RouteTraits } from './response-headers.js';
import { ApiProperty, ApiSchema } from './swagger.js';

const TextProperty = (description: string, ...examples: string[]) =>
  ApiProperty({ description, examples });

@ApiSchema({ name: 'FieldError', description: 'An invalid field of the request.' })
class FieldErrorSchema implements FieldError {
  @TextProperty(
    'JSON pointer to the field as a URI fragment; `#` for the whole request.',
    '#/phoneNumber',
  )
  readonly pointer!: string;

  @TextProperty(
    'How to fix the field. Never repeats its value.',
    'Give a phone number in E.164 form: + and country code, as in +14155552671.',
  )
  readonly detail!: string;
}

@ApiSchema({ name: 'Problem', description: 'A problem document (RFC 9457). Branch on `code`.' })
export class ProblemSchema implements ReturnType<typeof toProblem> {
  @ApiProperty({
    format: 'uri',
    description: 'A registered problem type, or a URN of this service.',
    examples: ['urn:otp:problem:validation_failed'],
  })
  readonly type!: string;

  @TextProperty('The same for every problem of the type.', 'Validation failed')
  readonly title!: string;

  @ApiProperty({ type: 'integer', description: 'The HTTP status.', examples: [400] })
  readonly status!: number;

  @TextProperty(
    'What happened and what to do, for developers. Not for end users.',
    describeError('validation_failed'),
  )
  readonly detail!: string;

  @TextProperty('The path of the route, with `:pinId` instead of a pinId.', '/otp/send')
  readonly instance!: string;

  @ApiProperty({
    enum: ERROR_CODES,
    description: 'The error code.',
    examples: ['validation_failed'],
  })
  readonly code!: ErrorCode;

  @TextProperty(
    'Identifies the request in the log. Quote it when you ask for help.',
    '5f3c1c1e-0d7a-4f55-9d0e-3a5c2f3b9b58',
  )
  readonly requestId!: string;

  @ApiProperty({
    type: [FieldErrorSchema],
    required: false,
    description: 'The invalid fields; only with `validation_failed`.',
  })
  readonly errors?: readonly FieldErrorSchema[];
}

/** The responses of a route that has these errors: one for each status, in ascending order. */
export function createProblemResponses(codes: readonly ErrorCode[], traits: RouteTraits) {
  const statuses = new Set(codes.map((code) => ERROR_CATALOG[code].status));
  return [...statuses]
    .sort((a, b) => a - b)
    .map((status) => {
      const codesOfStatus = codes.filter((code) => ERROR_CATALOG[code].status === status);
      const meanings = Object.fromEntries(codesOfStatus.map((code) => [code, describeError(code)]));
      const code = { type: 'string', enum: codesOfStatus };
      return {
        status,
        headers: getResponseHeaders(status, traits),
        description: listMeanings(meanings),
        content: {
          [PROBLEM_MEDIA_TYPE]: {
            schema: {
              allOf: [
                { $ref: '#/components/schemas/Problem' },
                { type: 'object', required: ['code'], properties: { code } },
              ],
            },
            examples: Object.fromEntries(
              codesOfStatus.map((code) => [code, { $ref: `#/components/examples/${code}` }]),
            ),
          },
        },
      };
    });
}
