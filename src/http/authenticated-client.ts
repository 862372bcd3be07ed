import type { FastifyRequest } from 'fastify';
import type { ClientRules } from '../clients/client-rules.js';
import { normalizeIp } from '../common/network-address.js';

/** The client that sent a request. */
export interface AuthenticatedClient {
  /**
   * The owner of the API key, or `anonymous` if no API keys are configured. The request can only
   * access this client's verifications.
   */
  readonly name: string;
  /** What the rate limits count by: the client, or the IP address if no API keys are configured. */
  readonly tracker: string;
  /** The client's rules at authentication. A later change does not affect the request. */
  readonly rules: ClientRules;
}

/**
 * The client IP: the first address that `TRUST_PROXY` does not trust, from the socket's peer back
 * through `X-Forwarded-For`. If that is not an IP address, the peer's address is used.
 */
export function getClientIp(request: FastifyRequest): string {
  return normalizeIp(request.ip) ?? normalizeIp(request.socket.remoteAddress ?? '') ?? 'unknown';
}
