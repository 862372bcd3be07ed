import { inspect } from 'node:util';
import { createOtpClient, isOtpError, OtpError, type OtpClient } from '../../client/src/index.js';
import { normalizeTypedFields } from '../../client/src/typed-text.js';
import { cleanPhoneNumber } from '../../src/common/phone-number-input.js';
import { ACCEPTED, REFUSED } from '../support/untidy-phone-numbers.js';
import {
  ok,
  problem,
  proxyError,
  scriptFetch,
  type Step,
} from '../support/client/scripted-fetch.js';

const NUMBER = '+14155552671';
const CODE = '045678';
const API_KEY = 'a-very-secret-key';
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

function startClient(...steps: Step[]) {
  const { fetch, requests } = scriptFetch(...steps);
  return {
    client: createOtpClient({ url: 'https://otp.test/', apiKey: API_KEY, fetch }),
    requests,
  };
}

const catchError = async (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  );

type CallCase = [
  name: keyof OtpClient,
  call: (client: OtpClient) => Promise<unknown>,
  request: object,
];
const CALLS: CallCase[] = [
  [
    'send',
    (client) => client.send({ phoneNumber: NUMBER, reference: 'login-4711' }),
    { method: 'POST', path: '/otp/send', body: { phoneNumber: NUMBER, reference: 'login-4711' } },
  ],
  [
    'resend',
    (client) => client.resend({ pinId: 'a pin', channel: 'voice' }),
    { method: 'POST', path: '/otp/resend', body: { pinId: 'a pin', channel: 'voice' } },
  ],
  [
    'verify',
    (client) => client.verify({ pinId: 'a pin', otpCode: CODE }),
    { method: 'POST', path: '/otp/verify', body: { pinId: 'a pin', otpCode: CODE } },
  ],
  ['status', (client) => client.status('_a-Pin1'), { method: 'GET', path: '/otp/_a-Pin1' }],
  ['cancel', (client) => client.cancel('_a-Pin1'), { method: 'DELETE', path: '/otp/_a-Pin1' }],
  [
    'lookup',
    (client) => client.lookup(NUMBER),
    { method: 'POST', path: '/otp/numbers/lookup', body: { phoneNumber: NUMBER } },
  ],
  [
    'erase',
    (client) => client.erase(NUMBER),
    { method: 'POST', path: '/otp/numbers/erase', body: { phoneNumber: NUMBER } },
  ],
];
const WITH_IDEMPOTENCY_KEY = ['send', 'resend', 'verify'];

describe('A call of the TypeScript client', () => {
  it.each(CALLS)('%s sends one request with the API key', async (name, call, expected) => {
    const { client, requests } = startClient(ok({ some: 'result' }));
    await call(client);

    const [{ method, url, headers, body } = {}] = requests;
    const { origin, pathname } = new URL(url ?? '');
    expect(requests).toHaveLength(1);
    expect(origin).toBe('https://otp.test');
    expect({ method, path: pathname, ...(body !== undefined && { body }) }).toEqual(expected);
    expect(headers?.get('authorization')).toBe(`Bearer ${API_KEY}`);
    expect(headers?.get('content-type')).toBe(body === undefined ? null : 'application/json');
    expect(UUID.test(headers?.get('idempotency-key') ?? '')).toBe(
      WITH_IDEMPOTENCY_KEY.includes(name),
    );
  });

  it('returns the result of the service, with fields that the client does not know', async () => {
    const result = { verified: true, newField: 1 };
    const { client } = startClient(ok(result));

    expect(await client.verify({ pinId: 'p', otpCode: CODE })).toEqual(result);
  });

  it('returns nothing after a 204', async () => {
    const { client } = startClient(new Response(null, { status: 204 }));

    await expect(client.cancel('p')).resolves.toBeUndefined();
    await expect(client.erase(NUMBER)).resolves.toBeUndefined();
  });

  it('has a new random idempotency key, or the key of the caller', async () => {
    const { client, requests } = startClient(ok({}));
    await client.send({ phoneNumber: NUMBER });
    await client.send({ phoneNumber: NUMBER });
    await client.send({ phoneNumber: NUMBER }, { idempotencyKey: 'login-4711-send-1' });

    const keys = requests.map(({ headers }) => headers.get('idempotency-key'));
    expect(new Set(keys).size).toBe(3);
    expect(keys[2]).toBe('login-4711-send-1');
  });

  it('keeps the path of the url', async () => {
    const { fetch, requests } = scriptFetch(ok({}));
    await createOtpClient({ url: 'http://gateway.test/otp-service/', fetch }).status('p');

    expect(requests[0]?.url).toBe('http://gateway.test/otp-service/otp/p');
    expect(requests[0]?.headers.get('authorization')).toBeNull();
  });

  it('follows no redirect, because another server must get neither key nor number', async () => {
    const inits: RequestInit[] = [];
    const client = createOtpClient({
      url: 'http://otp.test',
      fetch: async (_url, init) => {
        inits.push(init);
        return new Response(null, { status: 307, headers: { location: 'http://other.test' } });
      },
    });

    expect(await catchError(client.lookup(NUMBER))).toMatchObject({
      name: 'OtpConnectionError',
      status: 307,
    });
    expect(inits.map(({ redirect }) => redirect)).toEqual(['manual']);
  });

  it.each(['', ' key', 'ke\ny', 'clé', 'x'.repeat(256)])(
    'rejects the invalid key %j before any request, and does not show it',
    async (key) => {
      const { client, requests } = startClient(ok({}));
      const error = await catchError(client.send({ phoneNumber: NUMBER }, { idempotencyKey: key }));

      expect(error).toEqual(
        new TypeError('idempotencyKey must be 1 to 255 printable ASCII characters.'),
      );
      expect(() => createOtpClient({ url: 'http://otp.test', apiKey: key })).toThrow(
        new TypeError('apiKey must be 1 to 255 printable ASCII characters.'),
      );
      expect(requests).toEqual([]);
    },
  );

  it.each([
    '',
    'otp.test',
    'ftp://otp.test',
    'http://user:secret@otp.test',
    'http://otp.test/?a=1',
  ])('rejects the url %j, and does not show it', (url) => {
    expect(() => createOtpClient({ url })).toThrow(
      new TypeError('url must be the address of the service, as in https://otp.example.com.'),
    );
  });

  it.each(['', '.', '..', '../health', 'a/pin', 'a%2fpin', 'a pin', 'pin?', 'pin\n', 'pïn'])(
    'rejects the pinId %j before any request, and does not show it',
    async (pinId) => {
      const { client, requests } = startClient(ok({}));
      const expected = new TypeError('pinId must be the pinId that send returned.');

      expect(await catchError(client.status(pinId))).toEqual(expected);
      expect(await catchError(client.cancel(pinId))).toEqual(expected);
      expect(requests).toEqual([]);
    },
  );

  it.each([0, -1, NaN])('rejects %d ms as timeout', async (timeoutMs) => {
    const { client } = startClient(ok({}));

    expect(() => createOtpClient({ url: 'http://otp.test', timeoutMs })).toThrow(TypeError);
    await expect(client.status('p', { timeoutMs })).rejects.toThrow('timeoutMs must be');
  });
});

describe('An error of the TypeScript client', () => {
  it('has the members of the problem document', async () => {
    const errors = [{ pointer: '#/phoneNumber', detail: 'The + is missing.' }];
    const { client } = startClient(problem(400, 'validation_failed', { errors }));
    const error = await catchError(client.send({ phoneNumber: '1' }));

    expect(error).toBeInstanceOf(OtpError);
    expect(error).toMatchObject({
      name: 'OtpError',
      message: 'validation_failed (400), request the-request-id',
      code: 'validation_failed',
      status: 400,
      detail: 'What to do.',
      requestId: 'the-request-id',
      retryAfterSeconds: undefined,
      errors,
    });
  });

  it.each([
    ['30', 30],
    ['Sun, 29 Nov 2026 12:00:10 GMT', 10],
    ['Sun, 29 Nov 2026 11:00:00 GMT', 0],
    ['soon', undefined],
  ])('has the seconds of `Retry-After: %s`', async (value, seconds) => {
    jest.useFakeTimers({ now: Date.parse('2026-11-29T12:00:00Z'), doNotFake: ['nextTick'] });
    const { client } = startClient(
      problem(429, 'cooldown_active', { headers: { 'retry-after': value } }),
    );
    const error = await catchError(client.send({ phoneNumber: NUMBER }));
    jest.useRealTimers();

    expect(error).toMatchObject({ code: 'cooldown_active', retryAfterSeconds: seconds });
  });

  it('is recognised by its code', async () => {
    const { client } = startClient(problem(429, 'cooldown_active'));
    const error = await catchError(client.send({ phoneNumber: NUMBER }));

    expect(isOtpError(error)).toBe(true);
    expect(isOtpError(error, 'cooldown_active')).toBe(true);
    expect(isOtpError(error, 'quota_exceeded', 'cooldown_active')).toBe(true);
    expect(isOtpError(error, 'quota_exceeded')).toBe(false);
    expect(isOtpError(new Error('cooldown_active'))).toBe(false);
  });

  it.each<[what: string, step: Step, expected: object]>([
    ['a page of a proxy', proxyError(404), { name: 'OtpConnectionError', status: 404 }],
    ['a page with status 200', proxyError(200), { name: 'OtpConnectionError', status: 200 }],
    ['a JSON list', Response.json([]), { name: 'OtpConnectionError', status: 200 }],
    [
      'a 204, which should have a result',
      new Response(null, { status: 204 }),
      { name: 'OtpConnectionError', status: 204 },
    ],
    [
      'a problem document of another service',
      problem(400, `Not a code: ${NUMBER}`),
      { name: 'OtpConnectionError', status: 400 },
    ],
  ])('for %s is a connection error', async (_what, step, expected) => {
    const { client, requests } = startClient(step);

    expect(await catchError(client.status('p'))).toMatchObject(expected);
    expect(requests).toHaveLength(1);
  });

  it('contains no number, no code, no key and no text of a proxy', async () => {
    const secrets = [NUMBER.slice(1), CODE, API_KEY, 'an-idempotency-key', 'Bad gateway'];
    const steps: Step[] = [
      problem(400, 'validation_failed'),
      problem(429, 'cooldown_active'),
      problem(400, `a code with ${NUMBER}`),
      proxyError(200),
      proxyError(404),
      new Response(`<${CODE}>`, { headers: { 'content-type': 'application/json' } }),
      new TypeError('fetch failed'),
    ];
    for (const step of steps) {
      const { client } = startClient(step);
      const options = { idempotencyKey: 'an-idempotency-key', timeoutMs: 1 };
      const error = await catchError(
        client.verify({ phoneNumber: NUMBER, otpCode: CODE }, options),
      );

      const text = inspect(error, { depth: null });
      expect(error).toBeInstanceOf(Error);
      expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
    }
  });
});

describe('A number or code as a person types it', () => {
  const normalizePhoneNumber = (text: unknown) =>
    (normalizeTypedFields({ phoneNumber: text }) as { phoneNumber: unknown }).phoneNumber;

  it('is sent without invisible characters, in ASCII digits', async () => {
    const { client, requests } = startClient(ok({}));
    await client.verify({
      phoneNumber: ' \u202a+٩٧١ ٥٠١-٢٣٤ ٥٦٧\u202c',
      otpCode: '\u2066０４５ 𝟔𝟕𝟖\u2069\n',
      reference: '٣\u200b',
    });

    expect(requests[0]?.body).toEqual({
      phoneNumber: '+971 501-234 567',
      otpCode: '045 678',
      reference: '٣\u200b',
    });
  });

  it.each([...ACCEPTED, ...REFUSED].filter(({ text }) => typeof text === 'string'))(
    'means the same number to the service: $what',
    ({ text }) => {
      expect(cleanPhoneNumber(String(normalizePhoneNumber(text)))).toBe(
        cleanPhoneNumber(String(text)),
      );
    },
  );

  it.each([[undefined], [null], [14155552671], [['+1']]])(
    'is sent unchanged, for the service to reject, if it is no text: %j',
    (value) => {
      expect(normalizePhoneNumber(value)).toBe(value);
    },
  );
});
