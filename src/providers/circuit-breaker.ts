import {
  bulkhead,
  circuitBreaker,
  CircuitState as State,
  CountBreaker,
  handleAll,
  type BulkheadPolicy,
  type CircuitBreakerPolicy,
} from 'cockatiel';
import { seconds } from '../common/durations.js';
import type { CircuitState } from '../common/label-values.js';
import { ProviderError } from './provider-error.js';

/** The circuit opens when more than half of the last 20 calls failed. 5 calls are enough to decide. */
const WINDOW = { size: 20, minimumNumberOfCalls: 5, threshold: 0.5 };

/** The pause before the first probe, and between a probe without a response and the next. */
const PROBE_EVERY_MS = 250;
/** The longest pause before a probe, even if the provider asks for a longer one. */
const MAX_OPEN_MS = seconds(30);

const SHARE_USED = {
  detail: 'client share',
  publicMessage: 'This client has used up its share of the requests that run at the same time.',
};

export interface CircuitBreakerOptions {
  /** Calls that may wait for a response at the same time; further calls are rejected. */
  readonly maxInFlight: number;
  /** Whether a client has only its share of `maxInFlight`: half, so that others can make calls, too. */
  readonly hasSeveralClients: () => boolean;
  /** A call stalls after this time without a response to any call, in milliseconds. */
  readonly stallTimeoutMs: number;
  /**
   * Whether each failed probe doubles the pause before the next. True if another provider can take the
   * calls: a probe is a client's request, which may time out.
   */
  readonly usesExponentialBackoff: () => boolean;
  readonly onStateChange: (state: CircuitState) => void;
}

/**
 * Rejects calls to a provider that is down or has too many calls waiting. Failed and stalled calls
 * open the circuit, so that a hanging provider is noticed long before the first timeout. A stalled call is
 * not aborted: its late response closes the circuit, because the provider is slow and not down.
 *
 * A stalled call no longer counts as in flight. So a hanging provider gets at most `maxInFlight` new calls
 * per `stallTimeoutMs` until the circuit opens.
 *
 * Uses the monotonic clock, because the system clock can be set back.
 */
export class CircuitBreaker {
  private readonly bulkhead: BulkheadPolicy;
  /** How many calls each client has in flight; no entry for a client without any. */
  private readonly inFlightByClient = new Map<string | undefined, number>();
  private breaker = this.createBreaker();
  private lastResponseAt = -Infinity;
  private nextProbeAt = 0;
  /** The latest time until which the provider asked for no calls. Only an open circuit waits for it. */
  private throttledUntil = 0;
  /** The pause before the next probe; a longer one that the provider asks for has priority. */
  private probePauseMs = PROBE_EVERY_MS;

  constructor(private readonly options: CircuitBreakerOptions) {
    this.bulkhead = bulkhead(options.maxInFlight);
  }

  /**
   * Starts a call, unless the circuit is open or too many calls are in flight, in all or of the client.
   * @param client `undefined` for a call that counts against no client's share
   * @throws ProviderError `circuit_open`, `overloaded`, or the call's own error
   */
  async call<T>(start: () => Promise<T>, client?: string): Promise<T> {
    const reason = this.getUnavailableReason(client);
    if (reason) throw reason;
    const { breaker } = this;
    const { stallTimeoutMs } = this.options;
    const isProbe = breaker.state !== State.Closed;
    const stallAfterMs = isProbe ? Math.min(PROBE_EVERY_MS, stallTimeoutMs) : stallTimeoutMs;
    return new Promise<T>((resolve) => {
      const createMonitoredCall = (): Promise<void> => {
        const call = start();
        resolve(call);
        return this.monitorCall(call, stallAfterMs);
      };
      // An error of the call itself reaches the caller through `resolve(call)`.
      const execute = () => this.countCall(client, breaker.execute(createMonitoredCall));
      this.bulkhead.execute(execute).catch(() => undefined);
    });
  }

  /** Why a call would be rejected now; `undefined` if it would be made. */
  getUnavailableReason(client?: string): ProviderError | undefined {
    const { state } = this.breaker;
    const openUntil = Math.max(this.nextProbeAt, this.throttledUntil);
    const retryAfterMs = Math.max(0, openUntil - performance.now());
    if (state === State.HalfOpen || (state === State.Open && retryAfterMs > 0)) {
      return new ProviderError('circuit_open', { retryAfterMs });
    }
    // First, so that the answer does not depend on the calls of other clients.
    if (this.isShareUsed(client)) return new ProviderError('overloaded', SHARE_USED);
    return this.bulkhead.executionSlots === 0 ? new ProviderError('overloaded') : undefined;
  }

  private isShareUsed(client?: string): boolean {
    if (client === undefined || !this.options.hasSeveralClients()) return false;
    // Rounded down, so that each of two clients has its share also of an odd number.
    const share = Math.max(1, Math.floor(this.options.maxInFlight / 2));
    return this.countInFlight(client) >= share;
  }

  private countInFlight(client?: string): number {
    return this.inFlightByClient.get(client) ?? 0;
  }

  /** Counts a call for its client until it ends or stalls. */
  private async countCall(client: string | undefined, call: Promise<void>): Promise<void> {
    this.inFlightByClient.set(client, this.countInFlight(client) + 1);
    try {
      await call;
    } finally {
      const count = this.countInFlight(client) - 1;
      if (count > 0) this.inFlightByClient.set(client, count);
      else this.inFlightByClient.delete(client);
    }
  }

  /** Resolves when the call ends; rejects if it stalls or shows that the provider is down. */
  private monitorCall(call: Promise<unknown>, stallAfterMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let isStalled = false;
      const checkStalled = (): void => {
        isStalled = performance.now() - this.lastResponseAt >= stallAfterMs;
        if (isStalled) reject(new Error('stalled'));
        else timer = setTimeout(checkStalled, stallAfterMs);
      };
      let timer = setTimeout(checkStalled, stallAfterMs);
      const handleResponse = (): void => {
        clearTimeout(timer);
        this.lastResponseAt = performance.now();
        if (isStalled) this.resetBreaker();
        resolve();
      };
      call.then(handleResponse, (error: unknown) => {
        if (!(error instanceof ProviderError && error.isProviderDown)) {
          handleResponse();
          return;
        }
        clearTimeout(timer);
        this.extendThrottling(error);
        reject(error);
      });
    });
  }

  /** Any call may be throttled, not only the last one before the circuit opens. */
  private extendThrottling({ pauseMs = 0 }: ProviderError): void {
    const until = performance.now() + Math.min(MAX_OPEN_MS, pauseMs);
    this.throttledUntil = Math.max(this.throttledUntil, until);
  }

  private createBreaker(): CircuitBreakerPolicy {
    const breaker = circuitBreaker(handleAll, {
      breaker: new CountBreaker(WINDOW),
      // cockatiel's own pause uses the system clock. -Infinity: only `nextProbeAt` decides about probes.
      halfOpenAfter: -Infinity,
    });
    breaker.onStateChange((state) => {
      // Calls of a replaced breaker may still end, and change its state.
      if (breaker === this.breaker) this.handleStateChange(state);
    });
    return breaker;
  }

  private handleStateChange(state: State): void {
    switch (state) {
      case State.Closed:
        this.probePauseMs = PROBE_EVERY_MS;
        this.options.onStateChange('closed');
        break;
      case State.HalfOpen:
        this.options.onStateChange('half_open');
        break;
      case State.Open:
      case State.Isolated:
        if (!this.options.usesExponentialBackoff()) this.probePauseMs = PROBE_EVERY_MS;
        this.nextProbeAt = performance.now() + this.probePauseMs;
        this.probePauseMs = Math.min(MAX_OPEN_MS, 2 * this.probePauseMs);
        this.options.onStateChange('open');
    }
  }

  /** Closes the circuit: a late response shows that the provider is up. */
  private resetBreaker(): void {
    if (this.breaker.state === State.Closed) return;
    this.breaker = this.createBreaker();
    this.handleStateChange(State.Closed);
  }
}
