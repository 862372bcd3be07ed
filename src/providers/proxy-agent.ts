/** Imported only if a proxy is set, because undici's index, which adds `Pool.connect`, is large. */
import { EnvHttpProxyAgent, Pool, type Agent, type Dispatcher } from 'undici';

interface ProxyOptions extends Agent.Options {
  /** The timeout of each step: connecting to the proxy, its response to CONNECT, TLS with the provider. */
  readonly connectTimeoutMs: number;
  readonly proxy: string;
  /** Hosts that are called without the proxy, as in `NO_PROXY`. */
  readonly directHosts: string;
}

/**
 * No tunnel was made, so no request was sent. The code names the proxy as the cause for the log:
 * `PROXY_STATUS_407`, `PROXY_ECONNREFUSED`.
 *
 * Replaces undici's own error: after `UND_ERR_SOCKET`, when a proxy hangs up, undici would connect again
 * without end (nodejs/undici#3897).
 */
class ProxyError extends Error {
  override readonly name = 'ProxyError';
  readonly code: string;

  constructor(reason: string) {
    const code = `PROXY_${reason}`;
    super(code);
    this.code = code;
  }
}

/** Calls each host through a tunnel of the proxy (CONNECT, RFC 9110 §9.3.6). */
export function createProxyAgent(options: ProxyOptions): EnvHttpProxyAgent {
  const { connectTimeoutMs, proxy, directHosts, ...agentOptions } = options;
  // undici passes them to its connectors: the timeout includes TCP to the proxy.
  const connectorOptions = { timeout: connectTimeoutMs };
  return new EnvHttpProxyAgent({
    httpProxy: proxy,
    httpsProxy: proxy,
    noProxy: directHosts,
    proxyTls: connectorOptions,
    requestTls: connectorOptions,
    clientFactory: (url, connectOptions) =>
      createTunnelClient(new Pool(url, { headersTimeout: connectTimeoutMs, ...connectOptions })),
    ...agentOptions,
  });
}

/** Replaces the errors of `connect`, the only method that undici's proxy agent calls. */
function createTunnelClient(pool: Pool): Pool {
  const openTunnel: (options: Dispatcher.ConnectOptions) => Promise<Dispatcher.ConnectData> =
    pool.connect.bind(pool);
  const connect = async (options: Dispatcher.ConnectOptions) => {
    const tunnel = await openTunnel(options).catch((error: unknown) => {
      // undici's error for a response that is not HTTP has no code.
      throw new ProxyError((error as NodeJS.ErrnoException).code ?? 'INVALID_RESPONSE');
    });
    if (tunnel.statusCode === 200) return tunnel;
    tunnel.socket.on('error', () => undefined).destroy();
    throw new ProxyError(`STATUS_${String(tunnel.statusCode)}`);
  };
  return Object.assign(pool, { connect });
}
