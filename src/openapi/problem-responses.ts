import type { ErrorKind, FieldFault } from '../common/domain-error.js';
import { PROBLEM_TYPES } from '../http/problem-types.js';
import { PROBLEM_MEDIA_TYPE, type Problem } from '../http/problem.js';
import type { Response } from './document.js';
import { meaningsOf, named, objectOf, optional } from './schema.js';

/** What each kind of problem means for a caller, and what to do about it. */
const MEANINGS: Readonly<Record<ErrorKind, string>> = {
  validation_failed: 'a field cannot be used; `errors` names each one at fault',
  malformed_body: 'the body is not JSON',
  request_timeout: 'the request took longer than 10 seconds to arrive',
  payload_too_large: 'the body has more than 16 KiB',
  unsupported_media_type: 'send the header `Content-Type: application/json`',
  unauthenticated: 'send the header `Authorization: Bearer <API key>`',
  destination_not_allowed: 'this country or kind of number is not texted; do not ask again',
  not_found: 'there is nothing at this path',
  verification_not_found: 'none of yours has this handle or number; send a new code',
  method_not_allowed: 'the header `Allow` names the methods that this path takes',
  request_in_progress: 'a request with this idempotency key is still running; ask again',
  not_resendable: 'the code has ended; send a new one',
  idempotency_key_reused: 'another request had this idempotency key; take a new one',
  destination_unreachable: 'no text can be delivered to this number',
  too_many_requests: 'the requests of this minute are used up; wait for `Retry-After`',
  cooldown_active: 'the number was texted a moment ago; wait for `Retry-After`',
  quota_exceeded: 'the number, its user or you had enough for now; wait for `Retry-After`',
  destination_suspended: 'numbers like this get no texts for now; wait for `Retry-After`',
  internal_error: 'something failed on our side; quote `requestId`',
  provider_error:
    'the message provider failed; ask again with the same idempotency key, which is answered 504 where a text may have left',
  provider_unavailable: 'the message provider cannot be used; wait for `Retry-After`',
  overloaded: 'as many requests are under way as can be; wait for `Retry-After`',
  storage_unavailable: 'the records cannot be reached; wait for `Retry-After`',
  provider_timeout:
    'the provider did not answer in time: a text that was asked for may have left all the same, and stays counted; a code was not judged, and may be brought again',
};

const fault = objectOf<FieldFault>('One field of the request that cannot be used.', {
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
      examples: ['The request is not valid'],
    },
    status: { type: 'integer', description: 'The HTTP status.', examples: [400] },
    detail: {
      type: 'string',
      description: 'What to do about it, for a developer. Not for end users.',
      examples: ['Mend what `errors` names and send again.'],
    },
    instance: {
      type: 'string',
      description: 'The path that was asked, without anything variable.',
      examples: ['/otp/send'],
    },
    code: {
      type: 'string',
      enum: Object.keys(PROBLEM_TYPES),
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
export function problemsByStatus(kinds: readonly ErrorKind[]): [number, ErrorKind[]][] {
  const byStatus = new Map<number, ErrorKind[]>();
  for (const kind of new Set(kinds)) {
    const { status } = PROBLEM_TYPES[kind];
    byStatus.set(status, [...(byStatus.get(status) ?? []), kind]);
  }
  return [...byStatus].sort(([a], [b]) => a - b);
}

/** How these kinds of problems, all of one status, are answered. */
export function problemResponse(
  kinds: readonly ErrorKind[],
  headers: Response['headers'],
): Response {
  return {
    description: meaningsOf(Object.fromEntries(kinds.map((kind) => [kind, MEANINGS[kind]]))),
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
