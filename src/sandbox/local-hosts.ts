import type { FastifyInstance } from 'fastify';

/** `localhost`, a name below it (RFC 6761 §6.3) or an address of this machine; with any port. */
const LOOPBACK_AUTHORITY = /^(?:(?:[\w-]+\.)*localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d*)?$/i;

const MESSAGE =
  'On a loopback address, the sandbox answers only requests whose Host is localhost or 127.0.0.1. ' +
  'Call it at such a URL, or set SANDBOX_HOST=0.0.0.0.';

/**
 * Rejects requests whose `Host` is not this machine, if the sandbox listens on a loopback address. A web
 * page can give its own name the address 127.0.0.1 (DNS rebinding). To the browser, the sandbox would then
 * be of the page's origin. The service has the same rule in `src/http/local-hosts.ts`.
 * @param listenHost the address that the sandbox listens on
 */
export function acceptOnlyLocalHosts(server: FastifyInstance, listenHost: string): void {
  const authority = listenHost.includes(':') ? `[${listenHost}]` : listenHost;
  if (!LOOPBACK_AUTHORITY.test(authority)) return;
  server.addHook('onRequest', async ({ headers: { host } }, reply) => {
    if (host === undefined || LOOPBACK_AUTHORITY.test(host)) return;
    return reply.code(421).send({ error: MESSAGE });
  });
}
