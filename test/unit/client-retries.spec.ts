import { createOtpClient, type OtpClient } from '../../client/src/index.js';
import { fakeClientTimers, settle } from '../support/client/fake-timers.js';
import {
  ok,
  problem,
  proxyError,
  scriptFetch,
  type Step,
} from '../support/client/scripted-fetch.js';

const NUMBER = '+14155552671';
const reset = new TypeError('fetch failed');
const RESULT = { verified: true };
const cutShort = new Response('{"verif', { headers: { 'content-type': 'application/json' } });

type Call = (client: OtpClient) => Promise<unknown>;
const send: Call = (client) => client.send({ phoneNumber: NUMBER });
const resend: Call = (client) => client.resend({ pinId: 'p' });
const verify: Call = (client) => client.verify({ pinId: 'p', otpCode: '123456' });
const status: Call = (client) => client.status('p');
const cancel: Call = (client) => client.cancel('p');
const lookup: Call = (client) => client.lookup(NUMBER);
const erase: Call = (client) => client.erase(NUMBER);
const CALLS = { send, resend, verify, status, cancel, lookup, erase };

const RETRY_AFTER = { 'retry-after': '1' };
/** Failures after which these calls are repeated. */
const TEMPORARY_FAILURES: [what: string, step: Step, calls: Call[]][] = [
  ['a broken connection', reset, Object.values(CALLS)],
  ['a result that ends early', cutShort, Object.values(CALLS)],
  ['408 request_timeout', problem(408, 'request_timeout'), Object.values(CALLS)],
  ['409 request_in_progress', problem(409, 'request_in_progress'), [send, resend, verify]],
  ['502 provider_error', problem(502, 'provider_error'), [send, resend, verify]],
  ['503 provider_unavailable', problem(503, 'provider_unavailable'), [send, resend, verify]],
  ['503 overloaded', problem(503, 'overloaded'), [send, resend, verify]],
  ['503 storage_unavailable', problem(503, 'storage_unavailable'), Object.values(CALLS)],
  ['504 provider_timeout', problem(504, 'provider_timeout'), [verify]],
  ['408 of a proxy', proxyError(408), Object.values(CALLS)],
  ['502 of a proxy', proxyError(502), Object.values(CALLS)],
  ['503 of a proxy', proxyError(503), Object.values(CALLS)],
  ['504 of a proxy', proxyError(504), Object.values(CALLS)],
];
/** Failures after which these calls are not repeated. */
const FINAL_FAILURES: [what: string, step: Step, calls: Call[]][] = [
  ['504 provider_timeout', problem(504, 'provider_timeout'), [send, resend]],
  ['500 internal_error', problem(500, 'internal_error'), Object.values(CALLS)],
  ['500 of a proxy', proxyError(500), Object.values(CALLS)],
  ['429 of a proxy', proxyError(429, RETRY_AFTER), Object.values(CALLS)],
  ...(
    [
      [400, 'validation_failed'],
      [401, 'unauthenticated'],
      [403, 'destination_not_allowed'],
      [404, 'verification_not_found'],
      [409, 'not_resendable'],
      [410, 'stored_data_unreadable'],
      [422, 'idempotency_key_reused'],
      [422, 'destination_unreachable'],
      [429, 'too_many_requests'],
      [429, 'cooldown_active'],
      [429, 'quota_exceeded'],
      [429, 'destination_suspended'],
    ] as const
  ).map(([code, name]): [string, Step, Call[]] => [
    `${code} ${name}`,
    problem(code, name, { headers: RETRY_AFTER }),
    Object.values(CALLS),
  ]),
];

describe('The TypeScript client', () => {
  beforeEach(fakeClientTimers);

  afterEach(() => {
    jest.useRealTimers();
  });

  function startClient(...steps: Step[]) {
    const sentAt: number[] = [];
    const { fetch, requests } = scriptFetch(...steps);
    const startedAt = performance.now();
    const client = createOtpClient({
      url: 'http://otp.test',
      fetch: (url, init) => {
        sentAt.push(performance.now() - startedAt);
        return fetch(url, init);
      },
    });
    return { client, requests, sentAt };
  }

  it.each(TEMPORARY_FAILURES)(
    'repeats a call after %s, with the same body and key',
    async (_, step, calls) => {
      for (const call of calls) {
        const { client, requests } = startClient(step, ok(RESULT));

        expect(await settle(call(client))).toMatchObject({ status: 'fulfilled' });
        const [first, second] = requests.map(({ headers, ...rest }) => ({
          ...rest,
          headers: [...headers],
        }));
        expect(requests).toHaveLength(2);
        expect(second).toEqual(first);
      }
    },
  );

  it.each(FINAL_FAILURES)('does not repeat a call after %s', async (_, step, calls) => {
    for (const call of calls) {
      const { client, requests } = startClient(step, ok(RESULT));

      expect(await settle(call(client))).toMatchObject({ status: 'rejected' });
      expect(requests).toHaveLength(1);
    }
  });

  it('waits longer after each failure, with jitter, and ends with the last error', async () => {
    const { client, sentAt } = startClient(proxyError(502));
    const outcome = await settle(verify(client));

    const waits = sentAt.slice(1).map((time, index) => time - (sentAt[index] ?? 0));
    expect(outcome).toMatchObject({ reason: { name: 'OtpConnectionError', status: 502 } });
    expect(waits.length).toBeGreaterThanOrEqual(5);
    waits.forEach((wait, index) => {
      const longest = Math.min(250 * 2 ** index, 4_000);
      expect(wait).toBeGreaterThanOrEqual(longest / 2);
      expect(wait).toBeLessThanOrEqual(longest + 1);
    });
    expect(sentAt.at(-1)).toBeLessThan(30_000);
  });

  it.each([502, 504])(
    'repeats a verify after %i of the provider three times, and slowly: each may use an attempt',
    async (statusCode) => {
      const code = statusCode === 502 ? 'provider_error' : 'provider_timeout';
      const { client, sentAt } = startClient(problem(statusCode, code));
      const outcome = await settle(verify(client));

      expect(outcome).toMatchObject({ reason: { code } });
      const waits = sentAt.slice(1).map((time, index) => time - (sentAt[index] ?? 0));
      expect(waits).toHaveLength(3);
      waits.forEach((wait, index) => {
        expect(wait).toBeGreaterThanOrEqual(500 * 2 ** index);
        expect(wait).toBeLessThanOrEqual(1_000 * 2 ** index + 1);
      });
    },
  );

  it('does not repeat all calls at the same moment', async () => {
    const waits = new Set<number>();
    for (let n = 1; n <= 20; n += 1) {
      const { client, sentAt } = startClient(reset, ok(RESULT));
      await settle(verify(client));
      waits.add(sentAt[1] ?? 0);
    }

    expect(waits.size).toBeGreaterThan(10);
  });

  it('waits for as long as Retry-After says', async () => {
    const { client, sentAt } = startClient(
      problem(503, 'overloaded', { headers: { 'retry-after': '7' } }),
      ok(RESULT),
    );
    await settle(verify(client));

    expect(sentAt[1]).toBeGreaterThanOrEqual(7_000);
    expect(sentAt[1]).toBeLessThan(7_300);
  });

  it('fails at once if Retry-After exceeds the time of the call', async () => {
    const { client, sentAt } = startClient(
      problem(503, 'overloaded', { headers: { 'retry-after': '31' } }),
    );
    const startedAt = performance.now();
    const outcome = await settle(verify(client));

    expect(outcome).toMatchObject({ reason: { code: 'overloaded', retryAfterSeconds: 31 } });
    expect(sentAt).toHaveLength(1);
    expect(performance.now()).toBe(startedAt);
  });

  it.each([
    ['30 s', {}, 30_000],
    ['the time of the call', { timeoutMs: 3_000 }, 3_000],
  ])('ends a call without an answer after %s', async (_, options, expectedMs) => {
    const { client } = startClient(problem(503, 'overloaded'), 'no answer');
    const startedAt = performance.now();
    const outcome = await settle(client.status('p', options));

    expect(performance.now() - startedAt).toBe(expectedMs);
    expect(outcome).toMatchObject({
      reason: {
        name: 'OtpTimeoutError',
        message: `The OTP service did not answer within ${expectedMs} ms.`,
        cause: { code: 'overloaded' },
      },
    });
  });

  it('ends a call whose body does not arrive', async () => {
    const client = createOtpClient({
      url: 'http://otp.test',
      fetch: async (_url, { signal }) => {
        const body = new ReadableStream({
          start: (controller) => {
            signal?.addEventListener('abort', () => {
              controller.error(signal.reason);
            });
          },
        });
        return new Response(body, { headers: { 'content-type': 'application/json' } });
      },
    });

    expect(await settle(verify(client))).toMatchObject({ reason: { name: 'OtpTimeoutError' } });
  });

  it.each<[when: string, step: Step]>([
    ['during a request', 'no answer'],
    ['while it waits', problem(503, 'overloaded', { headers: { 'retry-after': '10' } })],
  ])('ends with the reason of an aborted signal %s', async (_, step) => {
    const { client, requests } = startClient(step);
    const controller = new AbortController();
    const reason = new Error('The user left.');
    setTimeout(() => {
      controller.abort(reason);
    }, 500);
    const startedAt = performance.now();
    const outcome = await settle(client.status('p', { signal: controller.signal }));

    expect(outcome).toEqual({ status: 'rejected', reason });
    expect(performance.now() - startedAt).toBe(500);
    expect(requests).toHaveLength(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('sends nothing if the signal is aborted already', async () => {
    const { client, requests } = startClient(ok(RESULT));
    const signal = AbortSignal.abort();

    expect(await settle(client.send({ phoneNumber: NUMBER }, { signal }))).toMatchObject({
      reason: { name: 'AbortError' },
    });
    expect(requests).toEqual([]);
  });

  it('leaves no timer and no listener behind', async () => {
    const { client } = startClient(reset, ok(RESULT));
    const { signal } = new AbortController();
    const add = jest.spyOn(signal, 'addEventListener');
    const remove = jest.spyOn(signal, 'removeEventListener');
    await settle(client.status('p', { signal }));

    expect(jest.getTimerCount()).toBe(0);
    expect(remove).toHaveBeenCalledTimes(add.mock.calls.length);
  });
});
