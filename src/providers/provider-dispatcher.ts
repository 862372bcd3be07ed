import { createRequire } from 'node:module';
import type * as Undici from 'undici';
import { minutes, seconds } from '../common/durations.js';
import { LOOPBACK_URL } from '../config/env-types.js';
import type { OutboundConfig } from '../config/outbound.config.js';
import { getProviderAccount, type ProvidersConfig } from '../config/providers.config.js';
import { MAX_RESPONSE_BYTES } from './undici-adapter.js';

/** Loads two files of undici: its index also loads unused parts, for 4 MB and 40 ms of the start. */
const require = createRequire(import.meta.url);
const Agent = require('undici/lib/dispatcher/agent.js') as typeof Undici.Agent;
const Dispatcher = require('undici/lib/dispatcher/dispatcher.js') as typeof Undici.Dispatcher;

/**
 * How much longer a connection attempt may take than its call. The call must time out first, and
 * undici's timer may fire half a second early. A longer attempt would only keep the process alive.
 */
const CONNECT_SLACK_MS = seconds(1);

/** Older connections are not used again, so that a host name is resolved again. */
const MAX_CONNECTION_AGE_MS = minutes(5);

/**
 * Replaces its agent when its connections may be too old; their running requests end as usual.
 * undici's `clientTtl` uses the wall clock: set back, it would keep connections for hours.
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

/** The connections to the providers. */
export const createProviderDispatcher = (providers: ProvidersConfig, outbound: OutboundConfig) =>
  createDispatcher(
    providers.names.map((name) => getProviderAccount(name, providers).baseUrl),
    providers.timeoutMs,
    outbound,
  );

/**
 * Connections to other hosts, through the proxy of the settings if there is one.
 * @param urls what is called
 * @param timeoutMs the longest time of a call, in milliseconds
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

/** A proxy cannot reach this machine, where the sandbox is. */
const findLoopbackHosts = (urls: readonly string[]): string[] =>
  urls.filter((url) => LOOPBACK_URL.test(url)).map((url) => new URL(url).hostname);
