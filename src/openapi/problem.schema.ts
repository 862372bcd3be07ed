import type { FieldError } from '../common/domain-error.js';
import {
  describeError,
  ERROR_CATALOG,
  ERROR_CODES,
  type ErrorCode,
} from '../common/error-catalog.js';
import { PROBLEM_MEDIA_TYPE, type toProblem } from '../http/problem.js';
import { listMeanings } from './enum-property.js';
import { headersOf } from './response-headers.js';
import type { RouteTraits } from './route-traits.js';
import { ApiProperty, ApiSchema } from './swagger.js';

@ApiSchema({ name: 'FieldError', description: 'An invalid field of the request.' })
class FieldErrorSchema implements FieldError {
  @ApiProperty({
    description: 'JSON pointer to the field as a URI fragment; `#` for the whole request.',
    examples: ['#/phoneNumber'],
  })
  readonly pointer!: string;

  @ApiProperty({
    description: 'How to fix the field. Never repeats its value.',
    examples: ['Give a phone number in E.164 form: + and country code, as in +14155552671.'],
  })
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

  @ApiProperty({
    description: 'The same for every problem of the type.',
    examples: ['Validation failed'],
  })
  readonly title!: string;

  @ApiProperty({ type: 'integer', description: 'The HTTP status.', examples: [400] })
  readonly status!: number;

  @ApiProperty({
    description: 'What happened and what to do, for developers. Not for end users.',
    examples: [describeError('validation_failed')],
  })
  readonly detail!: string;

  @ApiProperty({
    description: 'The path of the route, without its parameters.',
    examples: ['/otp/send'],
  })
  readonly instance!: string;

  @ApiProperty({
    enum: ERROR_CODES,
    description: 'The error code.',
    examples: ['validation_failed'],
  })
  readonly code!: ErrorCode;

  @ApiProperty({
    description: 'Identifies the request in the log. Quote it when you ask for help.',
    examples: ['5f3c1c1e-0d7a-4f55-9d0e-3a5c2f3b9b58'],
  })
  readonly requestId!: string;

  @ApiProperty({
    type: [FieldErrorSchema],
    required: false,
    description: 'The invalid fields; only with `validation_failed`.',
  })
  readonly errors?: readonly FieldErrorSchema[];
}

/** The responses of a route that has these errors: one a status, in the order of the statuses. */
export function problemResponses(codes: readonly ErrorCode[], traits: Partial<RouteTraits>) {
  const statuses = new Set(codes.map((code) => ERROR_CATALOG[code].status));
  return [...statuses]
    .sort((a, b) => a - b)
    .map((status) => {
      const ofStatus = [...new Set(codes)].filter((code) => ERROR_CATALOG[code].status === status);
      const code = { type: 'string', enum: ofStatus };
      return {
        status,
        headers: headersOf(status, traits),
        description: listMeanings(
          Object.fromEntries(ofStatus.map((each) => [each, describeError(each)])),
        ),
        content: {
          [PROBLEM_MEDIA_TYPE]: {
            schema: {
              allOf: [
                { $ref: '#/components/schemas/Problem' },
                { type: 'object', required: ['code'], properties: { code } },
              ],
            },
          },
        },
      };
    });
}
