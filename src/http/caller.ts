import type { FastifyRequest } from 'fastify';
import type { ErrorCode } from '../common/error-catalog.js';
import { networkOf } from '../common/network-address.js';
import type { RequestContext } from '../common/request-context.js';

/** Who calls. */
export interface Caller {
  /** Whose verifications it sees. */
  readonly client: string;
  /** What its requests are counted against: the client where keys are used, else the address. */
  readonly tracker: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** What goes with everything that is done for it. */
    requestContext: RequestContext;
    /** Known once the API-key guard has let the request pass. */
    caller?: Caller;
    /** Until the caller's quota is renewed, in milliseconds; set where nothing of it is left. */
    quotaSpentForMs?: number;
    /** The code of its problem document. */
    errorCode?: ErrorCode;
  }
}

/**
 * Who is at the other end. With `TRUST_PROXY` that is what the nearest trusted proxy saw; if what a
 * forwarded header says is no address, it is the peer itself.
 */
export function addressOf(request: FastifyRequest): string {
  return networkOf(request.ip) ?? networkOf(request.socket.remoteAddress ?? '') ?? 'unknown';
}
