import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { containsApiKey } from '../common/api-key.js';
import type { RequestContext } from '../common/request-context.js';

/** Longer than any code, and with a letter, which no phone number has. */
const VALID_REQUEST_ID = /^(?=.*[a-z])[\w.-]{11,128}$/i;

/** Enough digits in a row to be a phone number. */
const PHONE_NUMBER = /\d{9}/;

/** Span ids, trace ids and UUIDs, in which as many digits in a row occur by chance. */
const HEX_ID = /^(?:[\da-f]{16}|[\da-f]{32}|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/i;

/** Version 00, the only one defined; ids of zeros alone are invalid (W3C Trace Context §3.2). */
const TRACEPARENT = /^00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;

/**
 * The client's `X-Request-Id`, or a new id. It is logged, returned and sent to the provider, so a
 * value that looks like a phone number, a code or an API key sent by mistake is replaced.
 */
export function resolveRequestId({ headers }: IncomingMessage): string {
  const id = headers['x-request-id'];
  return typeof id === 'string' &&
    VALID_REQUEST_ID.test(id) &&
    (HEX_ID.test(id) || !PHONE_NUMBER.test(id)) &&
    !containsSecret(id, headers)
    ? id
    : randomUUID();
}

/** Whether the id contains an API key or a key sent with the request, or is part of a sent key. */
function containsSecret(id: string, { authorization, ...headers }: IncomingHttpHeaders): boolean {
  const keys = [authorization?.split(' ').at(-1), headers['idempotency-key']];
  return (
    containsApiKey(id) ||
    keys.some(
      (key) => typeof key === 'string' && key !== '' && (id.includes(key) || key.includes(id)),
    )
  );
}

export const createRequestContext = (
  requestId: string,
  { traceparent }: IncomingHttpHeaders,
): RequestContext =>
  typeof traceparent === 'string' && TRACEPARENT.test(traceparent)
    ? { requestId, traceparent }
    : { requestId };
