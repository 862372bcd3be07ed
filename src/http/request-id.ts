import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { RequestContext } from '../common/request-context.js';

/** At least one letter: what has none could be a phone number or a code, and an id is logged. */
const REQUEST_ID = /^(?=.*[a-z])[\w.:-]{8,128}$/i;

/** Version 00, the only one there is; ids of zeros alone are invalid (W3C Trace Context §3.2). */
const TRACEPARENT = /^00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;

/** The caller's own id for its request, if it is well-formed, or a new one. */
export function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

/** What goes with everything that is done for a request with this id and these headers. */
export function contextOf(
  requestId: string,
  { traceparent }: IncomingMessage['headers'],
): RequestContext {
  return typeof traceparent === 'string' && TRACEPARENT.test(traceparent)
    ? { requestId, traceparent }
    : { requestId };
}
