import type { CircuitState } from '../../src/common/events.js';
import { CircuitBreaker, type CircuitBreakerOptions } from '../../src/providers/circuit-breaker.js';
import { ProviderError, type ProviderFailure } from '../../src/providers/provider-error.js';

const STALL_MS = 1_000;
const PROBE_EVERY_MS = 250;
const MAX_IN_FLIGHT = 30;

/** A call whose end the test decides. */
interface Held {
  /** What the caller hears: the result, or the failure. */
  readonly heard: Promise<string>;
  answer(): Promise<void>;
  fail(failure: ProviderFailure, retryAfterMs?: number): Promise<void>;
}

describe('A circuit', () => {
  let states: CircuitState[];
  let begun: number;
  let circuit: CircuitBreaker;

  beforeEach(() => {
    jest.useFakeTimers();
    begin();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  function begin(options: Partial<CircuitBreakerOptions> = {}): void {
    states = [];
    begun = 0;
    circuit = new CircuitBreaker({
      maxInFlight: MAX_IN_FLIGHT,
      stallTimeoutMs: STALL_MS,
      hasFallback: false,
      onStateChange: (state) => states.push(state),
      ...options,
    });
  }

  function hold(): Held {
    const { promise, resolve, reject } = withResolvers();
    // A call that is never begun has nobody to hear it.
    promise.catch(() => undefined);
    const heard = circuit
      .call(() => {
        begun += 1;
        return promise;
      })
      .catch((error: unknown) => (error as ProviderError).failure);
    const settled = () => jest.advanceTimersByTimeAsync(0);
    return {
      heard,
      answer: () => {
        resolve('answer');
        return settled();
      },
      fail: (failure, retryAfterMs) => {
        reject(new ProviderError(failure, { retryAfterMs }));
        return settled();
      },
    };
  }

  const holdMany = (count: number) => Array.from({ length: count }, hold);
  const wait = (ms: number) => jest.advanceTimersByTimeAsync(ms);
  const failMany = async (count: number, failure: ProviderFailure) => {
    for (let i = 0; i < count; i += 1) await hold().fail(failure);
  };
  /** What one more caller hears at once: the refusal, or nothing. */
  const refusal = () =>
    circuit
      .call(() => new Promise<never>(() => undefined))
      .catch((error: unknown) => error as ProviderError);

  it('lets calls through, and their results and failures', async () => {
    const [one, other] = [hold(), hold()];
    await one.answer();
    await other.fail('rejected');

    expect(await one.heard).toBe('answer');
    expect(await other.heard).toBe('rejected');
    expect(states).toEqual([]);
  });

  it.each<ProviderFailure>([
    'connection_failed',
    'connection_lost',
    'timed_out',
    'server_error',
    'invalid_response',
    'throttled',
    'unauthorized',
  ])('opens after five calls that all failed with %s', async (failure) => {
    await failMany(4, failure);
    expect(states).toEqual([]);
    await failMany(1, failure);

    expect(states).toEqual(['open']);
    expect(await hold().heard).toBe('circuit_open');
    expect(begun).toBe(5);
  });

  it.each<ProviderFailure>([
    'destination_unreachable',
    'pin_not_found',
    'not_accepted',
    'rejected',
    'number_throttled',
  ])('stays closed however many fail with %s', async (failure) => {
    await failMany(50, failure);

    expect(states).toEqual([]);
  });

  it('opens when more than half of the last twenty failed', async () => {
    for (let i = 0; i < 20; i += 1) await hold().answer();
    await failMany(10, 'server_error');
    expect(states).toEqual([]);
    await failMany(1, 'server_error');

    expect(states).toEqual(['open']);
  });

  it('opens before the first call times out, where none is answered', async () => {
    const calls = holdMany(5);
    await wait(STALL_MS - 1);
    expect(states).toEqual([]);
    await wait(1);

    expect(states).toEqual(['open']);
    await Promise.all(calls.map((call) => call.fail('timed_out')));
    expect(await Promise.all(calls.map(({ heard }) => heard))).toEqual(Array(5).fill('timed_out'));
  });

  it('is closed for a provider that is slow and answers', async () => {
    const slow = () =>
      circuit.call(() => new Promise((answer) => setTimeout(answer, 3 * STALL_MS)));
    for (let i = 0; i < 200; i += 1) {
      slow().catch(() => undefined);
      await wait(STALL_MS / 10);
    }
    // Before its first answer nobody can know that it is not down.
    expect(states.indexOf('closed')).toBeGreaterThan(0);
    expect(states.indexOf('closed')).toBe(states.length - 1);
  });

  it('opens for a provider that answers only a few', async () => {
    for (let i = 0; i < 20; i += 1) {
      const hanging = holdMany(2);
      await wait(STALL_MS / 2);
      await hold().answer();
      setTimeout(() => {
        hanging.forEach((call) => void call.fail('timed_out'));
      }, 3 * STALL_MS);
    }
    expect(states[0]).toBe('open');
  });

  it('tells when to ask again, and then lets one call probe', async () => {
    await failMany(5, 'server_error');
    expect(await refusal()).toMatchObject({
      failure: 'circuit_open',
      retryAfterMs: PROBE_EVERY_MS,
    });
    await wait(PROBE_EVERY_MS - 1);
    expect(await hold().heard).toBe('circuit_open');
    await wait(1);

    const probe = hold();
    expect(await hold().heard).toBe('circuit_open');
    await probe.answer();

    expect(await probe.heard).toBe('answer');
    expect(states).toEqual(['open', 'half_open', 'closed']);
    await hold().answer();
    expect(begun).toBe(7);
  });

  it('opens again after a probe that failed', async () => {
    await failMany(5, 'server_error');
    await wait(PROBE_EVERY_MS);
    await hold().fail('server_error');

    expect(states).toEqual(['open', 'half_open', 'open']);
    expect(await hold().heard).toBe('circuit_open');
  });

  it('waits for a probe no longer than for the next', async () => {
    await failMany(5, 'timed_out');
    for (let i = 0; i < 3; i += 1) {
      await wait(PROBE_EVERY_MS);
      hold();
      await wait(PROBE_EVERY_MS);
    }
    expect(begun).toBe(5 + 3);
    await wait(PROBE_EVERY_MS);
    await hold().answer();

    expect(states.at(-1)).toBe('closed');
  });

  it('closes when a call that stalled is answered after all', async () => {
    const calls = holdMany(5);
    await wait(STALL_MS);
    expect(states).toEqual(['open']);
    await calls[0]?.answer();

    expect(await calls[0]?.heard).toBe('answer');
    expect(states).toEqual(['open', 'closed']);
    await hold().answer();
  });

  // In newBreaker: `breaker === this.breaker`.
  it('stays closed by a late answer, whatever becomes of the probe that was under way', async () => {
    const calls = holdMany(5);
    await wait(STALL_MS + PROBE_EVERY_MS);
    const probe = hold();
    await calls[0]?.answer();
    await probe.fail('server_error');

    expect(states).toEqual(['open', 'half_open', 'closed']);
  });

  // In watch: `clearTimeout`.
  it('watches no call that has ended', async () => {
    await hold().answer();
    await hold().fail('server_error');

    expect(jest.getTimerCount()).toBe(0);
  });

  it('stays open when a call that did not stall is answered', async () => {
    const early = hold();
    await failMany(5, 'server_error');
    await early.answer();

    expect(states).toEqual(['open']);
  });

  it('sheds what is over the calls that may wait, and takes more when some are answered', async () => {
    const [first] = holdMany(MAX_IN_FLIGHT);
    expect(await refusal()).toMatchObject({ failure: 'overloaded', code: 'overloaded' });
    await first?.answer();
    const more = holdMany(2);

    expect(await more[1]?.heard).toBe('overloaded');
    expect(begun).toBe(MAX_IN_FLIGHT + 1);
    expect(states).toEqual([]);
  });

  it('is not kept from probing by calls that hang', async () => {
    holdMany(MAX_IN_FLIGHT);
    await wait(STALL_MS + PROBE_EVERY_MS);
    const probe = hold();
    await probe.answer();

    expect(await probe.heard).toBe('answer');
    expect(states.at(-1)).toBe('closed');
  });

  it('leaves a provider alone for as long as it wants to be, but not for ever', async () => {
    for (let i = 0; i < 5; i += 1) await hold().fail('throttled', 12_000);
    expect(await refusal()).toMatchObject({ retryAfterMs: 12_000 });
    await wait(12_000);
    await hold().fail('throttled', 3_600_000);

    expect(await refusal()).toMatchObject({ retryAfterMs: 30_000 });
  });

  it('that others can stand in for is probed less and less often', async () => {
    begin({ hasFallback: true });
    await failMany(5, 'server_error');
    const pauses: unknown[] = [];
    for (let i = 0; i < 9; i += 1) {
      const { retryAfterMs = 0 } = await refusal();
      pauses.push(retryAfterMs / PROBE_EVERY_MS);
      await wait(retryAfterMs);
      if (i < 8) await hold().fail('server_error');
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 64, 120, 120]);
    await hold().answer();
    await failMany(4, 'server_error');

    expect(await refusal()).toMatchObject({ retryAfterMs: PROBE_EVERY_MS });
  });

  it('lives through a machine clock that is set back', async () => {
    await failMany(5, 'server_error');
    jest.setSystemTime(Date.now() - 3_600_000);
    await wait(PROBE_EVERY_MS);
    await hold().answer();

    expect(states.at(-1)).toBe('closed');
  });
});

function withResolvers() {
  let resolve: (value: string) => void = () => undefined;
  let reject: (reason: Error) => void = () => undefined;
  const promise = new Promise<string>((settle, fail) => {
    resolve = settle;
    reject = fail;
  });
  return { promise, resolve, reject };
}
