import { createRequire } from 'node:module';
import type * as Undici from 'undici';
import { minutes, seconds } from '../common/durations.js';
import { LOOPBACK_URL } from '../config/env-types.js';
import type { OutboundConfig } from '../config/outbound.config.js';
import { getProviderAccount, type ProvidersConfig } from '../config/providers.config.js';
import { MAX_RESPONSE_BYTES } from './undici-adapter.js';

/** Loads only two files of undici: its index also loads unused parts, for 4 MB and 40 ms at start-up. */
const require = createRequire(import.meta.url);
const Agent = require('undici/lib/dispatcher/agent.js') as typeof Undici.Agent;
const Dispatcher = require('undici/lib/dispatcher/dispatcher.js') as typeof Undici.Dispatcher;

/**
 * How much longer a connection attempt may take than its call. The call must time out first, and
 * undici's timer may fire half a second early. A longer attempt would only keep the process alive.
 */
const CONNECT_SLACK_MS = seconds(1);

/** Older connections are not reused, because the address of the host name may have changed. */
const MAX_CONNECTION_AGE_MS = minutes(5);

/**
 * Replaces the agent when its connections may be too old. Requests that run on them end as usual.
 * undici's `clientTtl` uses the wall clock: if that is set back, connections would be kept for hours.
 */
class RenewingDispatcher extends Dispatcher {
  private agent: Undici.Dispatcher;
  /** By the monotonic clock, in milliseconds. */
  private renewAt = performance.now() + MAX_CONNECTION_AGE_MS;

  constructor(private readonly createAgent: () => Undici.Dispatcher) {
    super();
    this.agent = createAgent();
  }

  override dispatch(
    options: Undici.Dispatcher.DispatchOptions,
    handler: Undici.Dispatcher.DispatchHandler,
  ): boolean {
    const now = performance.now();
    if (now >= this.renewAt) {
      void this.agent.close();
      this.agent = this.createAgent();
      this.renewAt = now + MAX_CONNECTION_AGE_MS;
    }
    return this.agent.dispatch(options, handler);
  }

  override destroy(): Promise<void> {
    return this.agent.destroy();
  }
}

/** Creates the dispatcher of requests to the providers. */
export const createProviderDispatcher = (providers: ProvidersConfig, outbound: OutboundConfig) =>
  createDispatcher(
    providers.names.map((name) => getProviderAccount(name, providers).baseUrl),
    providers.timeoutMs,
    outbound,
  );

/**
 * Creates a dispatcher of outgoing requests, through the proxy in the settings if there is one.
 * @param urls the URLs of the requests; those on this machine are called without the proxy
 * @param timeoutMs the longest time of a request, in milliseconds
 */
export async function createDispatcher(
  urls: readonly string[],
  timeoutMs: number,
  { httpsProxy, httpProxy, noProxy }: OutboundConfig,
): Promise<Undici.Dispatcher> {
  const connectTimeoutMs = timeoutMs + CONNECT_SLACK_MS;
  const options: Undici.Agent.Options = {
    maxResponseSize: MAX_RESPONSE_BYTES,
    connect: { timeout: connectTimeoutMs },
  };
  const proxy = httpsProxy ?? httpProxy;
  if (proxy === undefined || noProxy === '*') {
    return new RenewingDispatcher(() => new Agent(options));
  }
  const { createProxyAgent } = await import('./proxy-agent.js');
  const directHosts = [noProxy, ...findLoopbackHosts(urls)].join(',');
  const proxyOptions = { connectTimeoutMs, proxy, directHosts, ...options };
  return new RenewingDispatcher(() => createProxyAgent(proxyOptions));
}

/** The hosts of URLs on this machine, such as that of the sandbox: a proxy cannot reach them. */
const findLoopbackHosts = (urls: readonly string[]): string[] =>
  urls.filter((url) => LOOPBACK_URL.test(url)).map((url) => new URL(url).hostname);
