import type { ErrorCode } from '../common/error-catalog.js';
import type { Content, Operation, Parameter, Response } from './document.js';
import type { Endpoint } from './endpoint.js';
import { headersOf } from './headers.js';
import { problemResponse, problemsByStatus } from './problem-responses.js';
import type { NamedSchema } from './schema.js';

const IDEMPOTENCY_KEY: Parameter = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'Names this request among yours for 24 hours: a repeat hears the same answer, and nobody is texted twice.',
  schema: {
    type: 'string',
    pattern: '^[ -~]{1,255}$',
    examples: ['login-4711-send'],
  },
};

const PIN_ID: Parameter = {
  name: 'pinId',
  in: 'path',
  required: true,
  description: 'The handle that send answered with.',
  schema: { type: 'string', examples: ['q8Jt1Xn0S2uYp4rVb6wLzA'] },
};

const PLAIN_TEXT: Content = {
  'text/plain': { schema: { type: 'string', description: 'Lines of text.' } },
};

/** A route as OpenAPI describes it. */
export function operationOf(endpoint: Endpoint): Operation {
  const { operationId, tag, summary, description, body, open } = endpoint;
  const parameters = parametersOf(endpoint);
  return {
    operationId,
    tags: [tag],
    summary,
    description,
    security: open ? [] : [{ apiKey: [] }],
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: true, content: jsonOf(body) } }),
    responses: Object.fromEntries([...answersOf(endpoint), ...problemsOf(endpoint)]),
  };
}

function parametersOf({ path, keyed = false }: Endpoint): Parameter[] {
  return [...(path.includes('{pinId}') ? [PIN_ID] : []), ...(keyed ? [IDEMPOTENCY_KEY] : [])];
}

type ByStatus = [status: string, response: Response];

function answersOf(endpoint: Endpoint): ByStatus[] {
  return Object.entries(endpoint.answers).map(([status, { description, body, text }]) => [
    status,
    {
      description,
      headers: headersOf(Number(status), endpoint),
      ...(body && { content: jsonOf(body) }),
      ...(text === true && { content: PLAIN_TEXT }),
    },
  ]);
}

function problemsOf(endpoint: Endpoint): ByStatus[] {
  const kinds = [...commonProblems(endpoint), ...endpoint.problems];
  return problemsByStatus(kinds).map(([status, ofStatus]) => [
    String(status),
    problemResponse(ofStatus, headersOf(status, endpoint)),
  ]);
}

/** How any route like this one may end. */
function commonProblems({ open, body, keyed, method }: Endpoint): ErrorCode[] {
  return [
    // An idempotency key that cannot be one is refused even where none is taken.
    ...kindsIf(!open, 'validation_failed', 'unauthenticated', 'too_many_requests'),
    ...kindsIf(!open, 'internal_error', 'storage_unavailable'),
    ...kindsIf(!open && method !== 'get', 'payload_too_large'),
    ...kindsIf(body !== undefined, 'malformed_body', 'unsupported_media_type'),
    ...kindsIf(keyed === true, 'request_in_progress', 'idempotency_key_reused'),
  ];
}

const kindsIf = (condition: boolean, ...kinds: ErrorCode[]): ErrorCode[] =>
  condition ? kinds : [];

/** A JSON body with this schema. */
export const jsonOf = ({ name }: NamedSchema): Content => ({
  'application/json': { schema: { $ref: `#/components/schemas/${name}` } },
});
