import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { containsApiKey } from '../common/api-key.js';
import type { RequestContext } from '../common/request-context.js';

/** Longer than any code, and with a letter, which no phone number has. */
const VALID_REQUEST_ID = /^(?=.*[a-z])[\w.-]{11,128}$/i;

/** A phone number with something around it. */
const NUMBER_IN_IT = /\d{9}/;

/** Ids of spans and traces, and UUIDs: in these as many digits may meet by chance. */
const HEX_ID = /^(?:[\da-f]{16}|[\da-f]{32}|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/i;

/** Version 00, the only one there is; ids of zeros alone are invalid (W3C Trace Context §3.2). */
const TRACEPARENT = /^00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;

/**
 * The caller's own id for its request, or a new one. An id is logged, answered and passed on to the
 * provider, so one is not taken if it is likely to be a number, a code or a key that was put there
 * by mistake. What is in pieces or among words cannot be told from a name.
 */
export function resolveRequestId({ headers }: IncomingMessage): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' &&
    VALID_REQUEST_ID.test(given) &&
    (HEX_ID.test(given) || !NUMBER_IN_IT.test(given)) &&
    !holdsKey(given, headers)
    ? given
    : randomUUID();
}

/** Whether it is, holds or is a piece of a key that came with it, or holds an API key at all. */
function holdsKey(id: string, { authorization, ...headers }: IncomingHttpHeaders): boolean {
  const keys = [authorization?.split(' ').at(-1), headers['idempotency-key']];
  return (
    containsApiKey(id) ||
    keys.some(
      (key) => typeof key === 'string' && key !== '' && (id.includes(key) || key.includes(id)),
    )
  );
}

/** What goes with everything that is done for a request with this id and these headers. */
export function createRequestContext(
  requestId: string,
  { traceparent }: IncomingMessage['headers'],
): RequestContext {
  return typeof traceparent === 'string' && TRACEPARENT.test(traceparent)
    ? { requestId, traceparent }
    : { requestId };
}
