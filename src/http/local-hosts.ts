import type { FastifyInstance } from 'fastify';
import { DomainError } from '../common/domain-error.js';
import { isLoopbackAuthority } from '../common/network-address.js';

/**
 * Rejects requests whose `Host` is not this machine (RFC 9110 §7.4). A web page can give its own name
 * the address 127.0.0.1 (DNS rebinding). To the browser, the service would then be of the page's origin.
 *
 * Only `Host` counts, whatever proxies are trusted: such a page can send `X-Forwarded-Host`, too.
 */
export function acceptOnlyLocalHosts(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', ({ raw: { headers } }, _reply, done) => {
    // Browsers always send Host; HTTP/1.0 clients need not.
    if (headers.host === undefined || isLoopbackAuthority(headers.host)) done();
    else done(new DomainError('misdirected_request'));
  });
}
