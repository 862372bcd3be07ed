import type { CircuitState, ProviderFailure } from '../../src/common/label-values.js';
import { CircuitBreaker, type CircuitBreakerOptions } from '../../src/providers/circuit-breaker.js';
import { ProviderError } from '../../src/providers/provider-error.js';

/** After so long without an answer, a call counts as a failure. */
const STALL_MS = 1_000;
const PROBE_EVERY_MS = 250;
const MAX_IN_FLIGHT = 30;

/** A call that the test answers or fails. */
interface PendingCall {
  /** The result or the failure. */
  readonly outcome: Promise<string>;
  answer(): Promise<void>;
  fail(failure: ProviderFailure, retryAfterMs?: number): Promise<void>;
}

describe('CircuitBreaker', () => {
  let states: CircuitState[];
  let started: number;
  let circuit: CircuitBreaker;

  beforeEach(() => {
    jest.useFakeTimers();
    createCircuit();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  function createCircuit(options: Partial<CircuitBreakerOptions> = {}): void {
    states = [];
    started = 0;
    circuit = new CircuitBreaker({
      maxInFlight: MAX_IN_FLIGHT,
      hasSeveralClients: () => false,
      stallTimeoutMs: STALL_MS,
      usesExponentialBackoff: () => false,
      onStateChange: (state) => states.push(state),
      ...options,
    });
  }

  function startCall(client?: string): PendingCall {
    const { promise, resolve, reject } = withResolvers();
    // Avoids an unhandled rejection when the circuit does not start the call.
    promise.catch(() => undefined);
    const outcome = circuit
      .call(() => {
        started += 1;
        return promise;
      }, client)
      .catch((error: unknown) => (error as ProviderError).failure);
    const flush = () => jest.advanceTimersByTimeAsync(0);
    return {
      outcome,
      answer: () => {
        resolve('answer');
        return flush();
      },
      fail: (failure, retryAfterMs) => {
        reject(new ProviderError(failure, { retryAfterMs }));
        return flush();
      },
    };
  }

  const startCalls = (count: number) => Array.from({ length: count }, () => startCall());
  const wait = (ms: number) => jest.advanceTimersByTimeAsync(ms);
  const failMany = async (count: number, failure: ProviderFailure) => {
    for (let i = 0; i < count; i += 1) await startCall().fail(failure);
  };
  /** The error of one more call that is rejected at once. */
  const rejection = () =>
    circuit
      .call(() => new Promise<never>(() => undefined))
      .catch((error: unknown) => error as ProviderError);

  it('passes on results and failures while it is closed', async () => {
    const [one, other] = [startCall(), startCall()];
    await one.answer();
    await other.fail('rejected');

    expect(await one.outcome).toBe('answer');
    expect(await other.outcome).toBe('rejected');
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
    expect(await startCall().outcome).toBe('circuit_open');
    expect(started).toBe(5);
  });

  it.each<ProviderFailure>([
    'destination_unreachable',
    'pin_not_found',
    'not_accepted',
    'rejected',
    'number_throttled',
  ])('stays closed after any number of %s failures', async (failure) => {
    await failMany(50, failure);

    expect(states).toEqual([]);
  });

  it('opens when more than half of the last twenty calls failed', async () => {
    for (let i = 0; i < 20; i += 1) await startCall().answer();
    await failMany(10, 'server_error');
    expect(states).toEqual([]);
    await failMany(1, 'server_error');

    expect(states).toEqual(['open']);
  });

  it('opens before the first call times out when no call is answered', async () => {
    const calls = startCalls(5);
    await wait(STALL_MS - 1);
    expect(states).toEqual([]);
    await wait(1);

    expect(states).toEqual(['open']);
    await Promise.all(calls.map((call) => call.fail('timed_out')));
    expect(await Promise.all(calls.map(({ outcome }) => outcome))).toEqual(
      Array(5).fill('timed_out'),
    );
  });

  it('closes after the first answer of a slow provider, and stays closed', async () => {
    const slow = () =>
      circuit.call(() => new Promise((answer) => setTimeout(answer, 3 * STALL_MS)));
    for (let i = 0; i < 200; i += 1) {
      slow().catch(() => undefined);
      await wait(STALL_MS / 10);
    }
    // The circuit may open before the first answer, when a slow provider looks like one that is down.
    expect(states.indexOf('closed')).toBeGreaterThan(0);
    expect(states.indexOf('closed')).toBe(states.length - 1);
  });

  it('opens for a provider that answers only a few calls', async () => {
    for (let i = 0; i < 20; i += 1) {
      const hanging = startCalls(2);
      await wait(STALL_MS / 2);
      await startCall().answer();
      setTimeout(() => {
        hanging.forEach((call) => void call.fail('timed_out'));
      }, 3 * STALL_MS);
    }
    expect(states[0]).toBe('open');
  });

  it('returns when to retry, and then allows one probe call', async () => {
    await failMany(5, 'server_error');
    expect(await rejection()).toMatchObject({
      failure: 'circuit_open',
      retryAfterMs: PROBE_EVERY_MS,
    });
    await wait(PROBE_EVERY_MS - 1);
    expect(await startCall().outcome).toBe('circuit_open');
    await wait(1);

    const probe = startCall();
    expect(await startCall().outcome).toBe('circuit_open');
    await probe.answer();

    expect(await probe.outcome).toBe('answer');
    expect(states).toEqual(['open', 'half_open', 'closed']);
    await startCall().answer();
    expect(started).toBe(7);
  });

  it('opens again after a probe that failed', async () => {
    await failMany(5, 'server_error');
    await wait(PROBE_EVERY_MS);
    await startCall().fail('server_error');

    expect(states).toEqual(['open', 'half_open', 'open']);
    expect(await startCall().outcome).toBe('circuit_open');
  });

  it('starts the next probe although the last one has not ended', async () => {
    await failMany(5, 'timed_out');
    for (let i = 0; i < 3; i += 1) {
      await wait(PROBE_EVERY_MS);
      startCall();
      await wait(PROBE_EVERY_MS);
    }
    expect(started).toBe(5 + 3);
    await wait(PROBE_EVERY_MS);
    await startCall().answer();

    expect(states.at(-1)).toBe('closed');
  });

  it('closes when a stalled call is answered', async () => {
    const calls = startCalls(5);
    await wait(STALL_MS);
    expect(states).toEqual(['open']);
    await calls[0]?.answer();

    expect(await calls[0]?.outcome).toBe('answer');
    expect(states).toEqual(['open', 'closed']);
    await startCall().answer();
  });

  it('stays closed after a late answer even if a running probe fails', async () => {
    const calls = startCalls(5);
    await wait(STALL_MS + PROBE_EVERY_MS);
    const probe = startCall();
    await calls[0]?.answer();
    await probe.fail('server_error');

    expect(states).toEqual(['open', 'half_open', 'closed']);
  });

  it('keeps no timer for a call that has ended', async () => {
    await startCall().answer();
    await startCall().fail('server_error');

    expect(jest.getTimerCount()).toBe(0);
  });

  it('stays open when a call that did not stall is answered', async () => {
    const early = startCall();
    await failMany(5, 'server_error');
    await early.answer();

    expect(states).toEqual(['open']);
  });

  it('rejects calls over maxInFlight, and accepts more when some are answered', async () => {
    const [first] = startCalls(MAX_IN_FLIGHT);
    expect(await rejection()).toMatchObject({ failure: 'overloaded', code: 'overloaded' });
    await first?.answer();
    const more = startCalls(2);

    expect(await more[1]?.outcome).toBe('overloaded');
    expect(started).toBe(MAX_IN_FLIGHT + 1);
    expect(states).toEqual([]);
  });

  describe.each<[string, (call: PendingCall) => Promise<unknown>]>([
    ['is answered', (call) => call.answer()],
    ['fails for its number', (call) => call.fail('destination_unreachable')],
    ['fails because the provider is down', (call) => call.fail('server_error')],
    ['times out', (call) => call.fail('timed_out')],
    ['stalls', () => wait(STALL_MS)],
  ])('if there are several clients, and a call of one client %s', (_title, end) => {
    it('starts another call of the client, which has half of maxInFlight', async () => {
      createCircuit({ maxInFlight: 5, hasSeveralClients: () => true });
      const first = startCall('shop');
      startCall('shop');
      expect(await startCall('shop').outcome).toBe('overloaded');
      startCall('bank');
      await end(first);
      startCall('shop');
      startCall('bank');

      expect(started).toBe(5);
    });
  });

  it('rejects calls of a client only while there are several clients', async () => {
    let hasSeveralClients = true;
    createCircuit({ maxInFlight: 2, hasSeveralClients: () => hasSeveralClients });
    startCall('shop');
    expect(await startCall('shop').outcome).toBe('overloaded');
    hasSeveralClients = false;
    startCall('shop');

    expect(started).toBe(2);
  });

  it('starts calls of no client up to maxInFlight, also if there are several clients', async () => {
    createCircuit({ hasSeveralClients: () => true });
    startCalls(MAX_IN_FLIGHT);

    expect(await startCall().outcome).toBe('overloaded');
    expect(started).toBe(MAX_IN_FLIGHT);
  });

  it('starts one call of a client if maxInFlight is 1', () => {
    createCircuit({ maxInFlight: 1, hasSeveralClients: () => true });
    startCall('shop');

    expect(started).toBe(1);
  });

  it('probes although hanging calls fill maxInFlight', async () => {
    startCalls(MAX_IN_FLIGHT);
    await wait(STALL_MS + PROBE_EVERY_MS);
    const probe = startCall();
    await probe.answer();

    expect(await probe.outcome).toBe('answer');
    expect(states.at(-1)).toBe('closed');
  });

  it('waits as long as Retry-After says, up to 30 s', async () => {
    for (let i = 0; i < 5; i += 1) await startCall().fail('throttled', 12_000);
    expect(await rejection()).toMatchObject({ retryAfterMs: 12_000 });
    await wait(12_000);
    await startCall().fail('throttled', 3_600_000);

    expect(await rejection()).toMatchObject({ retryAfterMs: 30_000 });
  });

  it('waits as long as the Retry-After of a call that fails after the circuit has opened', async () => {
    const calls = startCalls(6);
    const last = calls.pop();
    for (const call of calls) await call.fail('server_error');
    expect(await rejection()).toMatchObject({ retryAfterMs: PROBE_EVERY_MS });
    await last?.fail('throttled', 12_000);

    expect(await rejection()).toMatchObject({ retryAfterMs: 12_000 });
  });

  it('waits as long as a Retry-After says if other failures open the circuit after it', async () => {
    await startCall().fail('throttled', 12_000);
    await wait(2_000);
    await startCall().fail('throttled', 3_000);
    await failMany(3, 'server_error');

    expect(states).toEqual(['open']);
    expect(await rejection()).toMatchObject({ retryAfterMs: 10_000 });
  });

  it('goes on calling after a Retry-After while it is closed', async () => {
    await startCall().fail('throttled', 12_000);
    const call = startCall();
    await call.answer();

    expect(await call.outcome).toBe('answer');
    expect(states).toEqual([]);
  });

  it('doubles the pause before each next probe, up to 30 s, with exponential backoff', async () => {
    createCircuit({ usesExponentialBackoff: () => true });
    await failMany(5, 'server_error');
    const pauses: unknown[] = [];
    for (let i = 0; i < 9; i += 1) {
      const { retryAfterMs = 0 } = await rejection();
      pauses.push(retryAfterMs / PROBE_EVERY_MS);
      await wait(retryAfterMs);
      if (i < 8) await startCall().fail('server_error');
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 64, 120, 120]);
    await startCall().answer();
    await failMany(4, 'server_error');

    expect(await rejection()).toMatchObject({ retryAfterMs: PROBE_EVERY_MS });
  });

  it('returns to the shortest pause once no other provider can take the calls', async () => {
    let hasFallback = true;
    createCircuit({ usesExponentialBackoff: () => hasFallback });
    await failMany(5, 'server_error');
    for (let i = 0; i < 4; i += 1) {
      const { retryAfterMs = 0 } = await rejection();
      hasFallback = i < 3;
      await wait(retryAfterMs);
      await startCall().fail('server_error');
    }

    expect(await rejection()).toMatchObject({ retryAfterMs: PROBE_EVERY_MS });
  });

  it('keeps working when the system clock is set back', async () => {
    await failMany(5, 'server_error');
    jest.setSystemTime(Date.now() - 3_600_000);
    await wait(PROBE_EVERY_MS);
    await startCall().answer();

    expect(states.at(-1)).toBe('closed');
  });
});

function withResolvers() {
  let resolve: (value: string) => void = () => undefined;
  let reject: (reason: Error) => void = () => undefined;
  const promise = new Promise<string>((fulfil, fail) => {
    resolve = fulfil;
    reject = fail;
  });
  return { promise, resolve, reject };
}
