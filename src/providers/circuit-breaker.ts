import {
  bulkhead,
  circuitBreaker,
  CircuitState as State,
  CountBreaker,
  handleAll,
  type CircuitBreakerPolicy,
} from 'cockatiel';
import { seconds } from '../common/durations.js';
import type { CircuitState } from '../common/events.js';
import { ProviderError } from './provider-error.js';

/** It opens when more than half of the last calls failed, of 20 or of as many as there were. */
const WINDOW = { size: 20, minimumNumberOfCalls: 5, threshold: 0.5 };

/** From opening to the first probe, and how long a probe is waited for before the next. */
const PROBE_EVERY_MS = 250;
/** No provider is left alone for longer than this, whatever it asks for. */
const LONGEST_OPEN_MS = seconds(30);

export interface CircuitBreakerOptions {
  /** Calls that may wait for an answer at the same time; any more are shed. */
  readonly maxInFlight: number;
  /** A call is not waited for any longer, in milliseconds, where nobody else is answered either. */
  readonly stallTimeoutMs: number;
  /**
   * Whether others can do the work. If so, a provider that stays down is probed less and less
   * often, because the caller whose request is the probe may have to wait for a time-out.
   */
  readonly hasFallback: boolean;
  /** Hears of every change. */
  readonly onStateChange: (state: CircuitState) => void;
}

/**
 * Keeps calls from a provider that is down, and from one that has enough of them. It is told by
 * their results, and by calls that stall: a provider that hangs is known as such long before the
 * first call times out. A stalled call goes on all the same, and its caller hears how it ends; an
 * answer that comes late closes the circuit, since slow is not down.
 *
 * A stalled call gives its place up. So at most `maxInFlight` calls begin in each `stallMs` of a
 * hanging provider, until the circuit opens.
 *
 * Times are the monotonic clock's: a machine's clock may be set back.
 */
export class CircuitBreaker {
  private readonly bulkhead;
  private breaker = this.newBreaker();
  private answeredAt = -Infinity;
  private nextProbeAt = 0;
  private openForMs = PROBE_EVERY_MS;

  constructor(private readonly options: CircuitBreakerOptions) {
    this.bulkhead = bulkhead(options.maxInFlight);
  }

  /**
   * Begins a call, unless the circuit is open or full.
   * @throws ProviderError `circuit_open`, `overloaded`, or as the call
   */
  async call<T>(begin: () => Promise<T>): Promise<T> {
    const unavailableReason = this.refusal();
    if (unavailableReason) throw unavailableReason;
    const { breaker, bulkhead: places } = this;
    const patienceMs =
      breaker.state === State.Closed
        ? this.options.stallTimeoutMs
        : Math.min(PROBE_EVERY_MS, this.options.stallTimeoutMs);
    return new Promise<T>((resolve) => {
      const watched = (): Promise<void> => {
        const call = begin();
        resolve(call);
        return this.monitor(call, patienceMs);
      };
      // The caller hears of a failure from the call itself.
      places.execute(() => breaker.execute(watched)).catch(() => undefined);
    });
  }

  /** Why a call would not begin now. */
  refusal(): ProviderError | undefined {
    const { state } = this.breaker;
    const waitMs = Math.max(0, this.nextProbeAt - performance.now());
    if (state === State.HalfOpen || (state === State.Open && waitMs > 0)) {
      return new ProviderError('circuit_open', { retryAfterMs: waitMs });
    }
    return this.bulkhead.executionSlots === 0 ? new ProviderError('overloaded') : undefined;
  }

  /** Ends with the call or when it stalls; fails where that says that the provider is down. */
  private monitor(call: Promise<unknown>, patienceMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let stalled = false;
      const look = (): void => {
        stalled = performance.now() - this.answeredAt >= patienceMs;
        if (stalled) reject(new Error('stalled'));
        else timer = setTimeout(look, patienceMs);
      };
      let timer = setTimeout(look, patienceMs);
      const answered = (): void => {
        clearTimeout(timer);
        this.answeredAt = performance.now();
        if (stalled) this.reset();
        resolve();
      };
      call.then(answered, (error: unknown) => {
        if (!(error instanceof ProviderError && error.isProviderDown)) {
          answered();
          return;
        }
        clearTimeout(timer);
        reject(error);
      });
    });
  }

  private newBreaker(): CircuitBreakerPolicy {
    const breaker = circuitBreaker(handleAll, {
      breaker: new CountBreaker(WINDOW),
      // The library would go by the machine's clock, so it is told to probe whenever asked to.
      halfOpenAfter: -Infinity,
    });
    breaker.onStateChange((state) => {
      // One that was replaced may still hear of its calls.
      if (breaker === this.breaker) this.handleStateChange(state, breaker);
    });
    return breaker;
  }

  private handleStateChange(state: State, { lastFailure }: CircuitBreakerPolicy): void {
    switch (state) {
      case State.Closed:
        this.openForMs = PROBE_EVERY_MS;
        this.options.onStateChange('closed');
        break;
      case State.HalfOpen:
        this.options.onStateChange('half_open');
        break;
      case State.Open:
      case State.Isolated: {
        const reason = lastFailure && 'error' in lastFailure ? lastFailure.error : undefined;
        const wishMs = reason instanceof ProviderError ? (reason.pauseMs ?? 0) : 0;
        const openMs = Math.min(LONGEST_OPEN_MS, Math.max(this.openForMs, wishMs));
        this.nextProbeAt = performance.now() + openMs;
        if (this.options.hasFallback)
          this.openForMs = Math.min(LONGEST_OPEN_MS, 2 * this.openForMs);
        this.options.onStateChange('open');
      }
    }
  }

  /** It was slow, not down. */
  private reset(): void {
    if (this.breaker.state === State.Closed) return;
    this.breaker = this.newBreaker();
    this.handleStateChange(State.Closed, this.breaker);
  }
}
