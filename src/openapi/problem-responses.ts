import type { FieldError } from '../common/domain-error.js';
import {
  describeError,
  ERROR_CATALOG,
  ERROR_CODES,
  type ErrorCode,
} from '../common/error-catalog.js';
import { PROBLEM_MEDIA_TYPE, type Problem } from '../http/problem.js';
import type { Response } from './document.js';
import { meaningsOf, named, objectOf, optional } from './schema.js';

const fault = objectOf<FieldError>('One field of the request that cannot be used.', {
  pointer: {
    type: 'string',
    description: 'JSON pointer to it, as a URI fragment; `#` for the request as a whole.',
    examples: ['#/phoneNumber'],
  },
  detail: {
    type: 'string',
    description: 'What to do about it. Never repeats the value.',
    examples: ['Give a phone number in E.164 form: + and country code, as in +14155552671.'],
  },
});

/** What every error is answered with. */
export const PROBLEM = named(
  'Problem',
  objectOf<Problem>('A problem document (RFC 9457). Branch on `code`.', {
    type: {
      type: 'string',
      format: 'uri',
      description: 'A registered problem type, or a urn of this service.',
      examples: ['urn:otp:problem:validation_failed'],
    },
    title: {
      type: 'string',
      description: 'The same for every occurrence of the type.',
      examples: [ERROR_CATALOG.validation_failed.title],
    },
    status: { type: 'integer', description: 'The HTTP status.', examples: [400] },
    detail: {
      type: 'string',
      description: 'What to do about it, for a developer. Not for end users.',
      examples: [describeError('validation_failed')],
    },
    instance: {
      type: 'string',
      description: 'The path that was asked, without anything variable.',
      examples: ['/otp/send'],
    },
    code: {
      type: 'string',
      enum: ERROR_CODES,
      description: 'The kind of problem.',
      examples: ['validation_failed'],
    },
    requestId: {
      type: 'string',
      description: 'Finds the request in the log: quote it when you ask for help.',
      examples: ['5f3c1c1e-0d7a-4f55-9d0e-3a5c2f3b9b58'],
    },
    errors: optional({
      type: 'array',
      items: fault,
      description: 'Each field at fault; only with `validation_failed`.',
    }),
  }),
);

/** The given kinds of problems by their status, in its order. */
export function problemsByStatus(kinds: readonly ErrorCode[]): [number, ErrorCode[]][] {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const kind of new Set(kinds)) {
    const { status } = ERROR_CATALOG[kind];
    byStatus.set(status, [...(byStatus.get(status) ?? []), kind]);
  }
  return [...byStatus].sort(([a], [b]) => a - b);
}

/** How these kinds of problems, all of one status, are answered. */
export function problemResponse(
  kinds: readonly ErrorCode[],
  headers: Response['headers'],
): Response {
  return {
    description: meaningsOf(Object.fromEntries(kinds.map((kind) => [kind, describeError(kind)]))),
    headers,
    content: {
      [PROBLEM_MEDIA_TYPE]: {
        schema: {
          allOf: [
            { $ref: `#/components/schemas/${PROBLEM.name}` },
            {
              type: 'object',
              required: ['code'],
              properties: { code: { type: 'string', enum: [...kinds] } },
            },
          ],
        },
      },
    },
  };
}
