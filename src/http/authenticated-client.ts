import type { FastifyRequest } from 'fastify';
import type { ErrorCode } from '../common/error-catalog.js';
import { normalizeIp } from '../common/network-address.js';
import type { RequestContext } from '../common/request-context.js';

/** The client that sent a request. */
export interface AuthenticatedClient {
  /** Owner of the API key, and of the verifications that the request can see. */
  readonly name: string;
  /** Key of its rate limits: the client, or the IP address where no API keys are configured. */
  readonly tracker: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    requestContext: RequestContext;
    /** Set by the API-key guard. */
    client?: AuthenticatedClient;
    /** Milliseconds until an exhausted rate limit resets. */
    rateLimitResetMs?: number;
    /** The code of its problem document. */
    errorCode?: ErrorCode;
  }
}

/**
 * The client IP: the address that the nearest trusted proxy (`TRUST_PROXY`) saw, or the socket peer
 * where the forwarded header contains no address.
 */
export function clientIpOf(request: FastifyRequest): string {
  return normalizeIp(request.ip) ?? normalizeIp(request.socket.remoteAddress ?? '') ?? 'unknown';
}
