import type { FastifyReply, FastifyRequest } from 'fastify';
import supertest, { type Agent, type Response } from 'supertest';
import { minutes, seconds } from '../../src/common/durations.js';
import { DemoSessions } from '../../src/demo/demo-sessions.js';
import { createClientAgent, newApiKey } from '../support/api-key.js';
import { expectProblem } from '../support/problem.js';
import {
  startSandboxedService,
  startService,
  type RunningService,
  type SandboxedService,
} from '../support/service.js';
import { watchPinId } from '../support/watch-pin-id.js';
import { wrongCode } from '../support/wrong-code.js';

const SCRIPTS = ['app', 'view', 'phone', 'api', 'digits', 'messages', 'examples', 'sms'].map(
  (name): [string, string] => [`/demo/${name}.js`, 'text/javascript; charset=utf-8'],
);

const INFOBIP = {
  INFOBIP_BASE_URL: 'https://account.api.infobip.com',
  INFOBIP_API_KEY: 'key',
  INFOBIP_APP_ID: 'application',
  INFOBIP_MESSAGE_ID: 'message',
};

const shop = newApiKey('shop');
const PRODUCTION = { NODE_ENV: 'production', API_KEYS: shop.entry };

const NUMBER = '+14155550123';
const MASKED = '+1415•••0123';

describe('GET /demo', () => {
  let service: RunningService;

  beforeAll(async () => {
    service = await startSandboxedService();
  });

  afterAll(() => service.close());

  it.each([
    ['/demo', 'text/html; charset=utf-8'],
    ['/demo/form.css', 'text/css; charset=utf-8'],
    ['/demo/phone.css', 'text/css; charset=utf-8'],
    ...SCRIPTS,
  ])('serves %s as %s', async (path, type) => {
    const { headers } = await service.http.get(path).expect(200);

    expect(headers).toMatchObject({
      'content-type': type,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
    });
  });

  it('allows its page to load only its own files and to call only its own origin', async () => {
    const { headers } = await service.http.get('/demo');

    expect(headers['content-security-policy']).toBe(
      `default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; ` +
        `connect-src 'self'; ` +
        `base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
    );
  });

  it.each(['/demo/nothing', '/demo/..%2f..%2fsandbox%2fpage%2fphone.js'])(
    'returns 404 for %s',
    async (path) => {
      expectProblem(await service.http.get(path), 404, 'not_found');
    },
  );

  it('rejects POST with 405', async () => {
    expectProblem(await service.http.post('/demo'), 405, 'method_not_allowed');
  });
});

describe('The back end of the demo page', () => {
  let service: SandboxedService;
  let browser: Agent;

  const start = async (settings: NodeJS.ProcessEnv = {}) => {
    service = await startSandboxedService(settings);
    browser = openBrowser();
  };

  /** A new browser: it keeps its cookie, and its headers say that its requests come from the page. */
  const openBrowser = () => supertest.agent(service.url).set('sec-fetch-site', 'same-origin');
  const send = (phoneNumber = NUMBER, from = browser) =>
    from.post('/demo/send').send({ phoneNumber });
  const resend = (from = browser) => from.post('/demo/resend').send({});
  const verify = (code: string, from = browser) => from.post('/demo/verify').send({ code });
  const getState = async (from = browser) => (await from.get('/demo/state').expect(200)).body;
  const getCode = async (number = NUMBER) => (await service.getReceivedCodes(number))[0] ?? '';

  afterEach(() => service.close());

  it('sends and verifies a code, and remembers the step that the browser has reached', async () => {
    await start();
    expect(await getState()).toEqual({ step: 'number' });

    const sent = await send('+1 (415) 555-0123').expect(200);
    const times = { validForSeconds: 300, resendInSeconds: 30 };
    const step = { step: 'code', to: MASKED, ...times, codeLength: 6 };
    expect(sent.body).toEqual(step);
    expect(await getState()).toEqual(step);

    const code = await getCode();
    const wrong = await verify(wrongCode(code)).expect(200);
    expect(wrong.body).toEqual({ ...step, triesLeft: 4 });

    const right = await verify(`${code.slice(0, 3)} ${code.slice(3)}`).expect(200);
    expect(right.body).toEqual({ step: 'verified', to: MASKED });
    expect(await getState()).toEqual(right.body);
  });

  it('gives no browser a pinId, neither that of the service nor that of the provider', async () => {
    await start();
    const getPinId = watchPinId(service);
    const responses: Response[] = [await browser.get('/demo/state'), await send()];
    service.clock.advance(seconds(30));
    responses.push(await resend(), await verify('000000'), await verify(await getCode()));
    responses.push(await browser.get('/demo/messages'), await browser.get('/demo/state'));
    const pinId = await getPinId();
    const secrets = [pinId, ...(await service.getProviderPinIds(NUMBER))];

    // One of the service, and one of the provider for each of the two messages.
    expect(secrets).toHaveLength(3);
    for (const { status, headers, text } of responses) {
      expect(status).toBe(200);
      for (const secret of [...secrets, 'pinId'])
        expect(JSON.stringify(headers) + text).not.toContain(secret);
    }
  });

  it('hides its cookie from scripts and from requests of other sites', async () => {
    await start({ TRUST_PROXY: '127.0.0.1' });
    const { headers } = await browser.get('/demo/state');
    const overTls = await openBrowser().get('/demo/state').set('x-forwarded-proto', 'https');
    const cookie = /^demo-session=[\w-]{22}; Path=\/demo; HttpOnly; SameSite=Strict$/;

    expect(headers['set-cookie']).toEqual([expect.stringMatching(cookie)]);
    expect(overTls.headers['set-cookie']).toEqual([expect.stringMatching(/; Secure$/)]);
    // The browser has a session now, so it gets no second cookie.
    expect((await browser.get('/demo/state')).headers['set-cookie']).toBeUndefined();
  });

  it('does not accept a session id that it did not create', async () => {
    await start();
    const { headers } = await supertest(service.url)
      .get('/demo/state')
      .set('cookie', 'demo-session=planted; other=1');

    expect(headers['set-cookie']).toHaveLength(1);
    expect(String(headers['set-cookie'])).not.toContain('planted');
  });

  it('keeps the sessions of browsers apart', async () => {
    await start();
    await send().expect(200);
    const other = openBrowser();

    expect(await getState(other)).toEqual({ step: 'number' });
    expect((await verify(await getCode(), other)).body).toEqual({ step: 'number' });
    expect((await resend(other)).body).toEqual({ step: 'number' });
    expect((await other.get('/demo/messages')).body).toEqual([]);
    expect(await getState()).toMatchObject({ step: 'code' });
  });

  it('ends a session half an hour after its last request', async () => {
    await start();
    await send().expect(200);
    await verify(await getCode()).expect(200);
    service.clock.advance(minutes(29));
    expect(await getState()).toMatchObject({ step: 'verified' });
    service.clock.advance(minutes(30));

    expect(await getState()).toEqual({ step: 'number' });
  });

  it('keeps the thousand sessions that were used last', async () => {
    await start();
    const unused = openBrowser();
    await getState(unused);
    await send().expect(200);
    await verify(await getCode()).expect(200);
    // Opens the sessions without HTTP: a thousand requests would take seconds.
    const sessions = service.app.get(DemoSessions, { strict: false });
    const request = { headers: {}, protocol: 'http' } as FastifyRequest;
    const reply = { header: () => reply } as unknown as FastifyReply;
    for (let opened = 2; opened < 1_000; opened += 1) sessions.open(request, reply);
    expect(await getState()).toMatchObject({ step: 'verified' });
    sessions.open(request, reply);

    expect(await getState()).toMatchObject({ step: 'verified' });
    expect((await unused.get('/demo/state')).headers['set-cookie']).toHaveLength(1);
  });

  it.each([
    ['of another site', { 'sec-fetch-site': 'cross-site' }],
    ['of another subdomain', { 'sec-fetch-site': 'same-site' }],
    ['of another origin, from a browser without Sec-Fetch-Site', { origin: 'http://evil.test' }],
    ['of a sandboxed frame', { origin: 'null' }],
    ['without an origin', {}],
  ])('rejects a request %s', async (_what, headers) => {
    await start();
    await send().expect(200);
    const stateResponse = await openBrowser().get('/demo/state');
    const cookie = String(stateResponse.headers['set-cookie']).split(';')[0] ?? '';
    for (const [path, body] of [
      ['/demo/send', { phoneNumber: '+14155550124' }],
      ['/demo/resend', {}],
      ['/demo/verify', { code: '123456' }],
    ] as const) {
      const request = supertest(service.url)
        .post(path)
        .set({ cookie, ...headers });
      expectProblem(await request.send(body), 404, 'not_found');
    }
    expect(await service.getReceivedCodes('+14155550124')).toEqual([]);
  });

  it('accepts a request of its own origin from a browser without Sec-Fetch-Site', async () => {
    await start();
    const request = supertest(service.url).post('/demo/send').set('origin', service.url);

    expect((await request.send({ phoneNumber: NUMBER })).body).toMatchObject({ step: 'code' });
  });

  it('accepts only JSON with valid fields', async () => {
    await start();
    for (const path of ['/demo/send', '/demo/resend', '/demo/verify']) {
      const text = browser.post(path).set('content-type', 'text/plain').send('{}');
      expectProblem(await text, 415, 'unsupported_media_type');
    }
    expectProblem(await browser.post('/demo/send').send({}), 400, 'validation_failed');
    expectProblem(await browser.post('/demo/verify').send({ code: 7 }), 400, 'validation_failed');
    expectProblem(await browser.post('/demo/resend'), 400, 'validation_failed');
    expectProblem(await send('0123'), 400, 'validation_failed');
  });

  it('counts its requests together with those to the API', async () => {
    await start({ THROTTLE_SEND_LIMIT: '2', THROTTLE_VERIFY_LIMIT: '2' });
    await service.http.post('/otp/send').send({ phoneNumber: '+14155550124' }).expect(200);
    await send().expect(200);
    await getState();
    await verify('000000').expect(200);

    expectProblem(await resend(), 429, 'too_many_requests');
    expectProblem(await send('+14155550125'), 429, 'too_many_requests');
    expectProblem(await verify(await getCode()), 429, 'too_many_requests');
    expectProblem(await browser.get('/demo/messages'), 429, 'too_many_requests');
    expectProblem(await browser.get('/demo/state'), 429, 'too_many_requests');
    expectProblem(await service.http.get('/otp/any'), 429, 'too_many_requests');
  });

  it('limits the messages that one IP address requests by SENDS_PER_END_USER_IP_PER_HOUR', async () => {
    await start({ SENDS_PER_END_USER_IP_PER_HOUR: '1' });
    await send().expect(200);

    expectProblem(await send('+14155550124', openBrowser()), 429, 'quota_exceeded');
  });

  it('sends one message if a browser requests two to the same number', async () => {
    await start();
    await browser.get('/demo/state');
    const first = await send().expect(200);
    const second = await send().expect(200);

    expect(second.body).toEqual(first.body);
    expect(await service.getReceivedCodes(NUMBER)).toHaveLength(1);
    // Another browser cannot enter that code.
    expectProblem(await send(NUMBER, openBrowser()), 429, 'cooldown_active');
  });

  it('verifies a code that a browser submits three times at once', async () => {
    await start();
    await send().expect(200);
    const code = await getCode();
    const responses = await Promise.all([verify(code), verify(code), verify(code)]);

    expect(responses.some(({ body }) => body.step === 'verified')).toBe(true);
    expect(await getState()).toEqual({ step: 'verified', to: MASKED });
  });

  it('replays a response for an idempotency key, also to a browser that lost its cookie', async () => {
    await start();
    const repeat = () =>
      supertest(service.url)
        .post('/demo/send')
        .set({ 'sec-fetch-site': 'same-origin', 'idempotency-key': 'key-1' })
        .send({ phoneNumber: NUMBER })
        .expect(200);
    const [first, second] = [await repeat(), await repeat()];

    expect(second.body).toEqual(first.body);
    expect(await service.getReceivedCodes(NUMBER)).toHaveLength(1);
  });

  it('resends the code while it is valid, and then sends a new one', async () => {
    await start();
    await send().expect(200);
    const code = await getCode();
    expectProblem(await resend(), 429, 'cooldown_active');
    service.clock.advance(seconds(30));
    expect((await resend()).body).toMatchObject({ step: 'code', validForSeconds: 270 });
    expect(await getCode()).toBe(code);
    service.clock.advance(minutes(5));
    expect(await getState()).toMatchObject({ step: 'over', reason: 'expired', to: MASKED });

    expect((await resend()).body).toMatchObject({ step: 'code', validForSeconds: 300 });
    expect((await verify(await getCode())).body).toMatchObject({ step: 'verified' });
    expect((await resend()).body).toMatchObject({ step: 'verified' });
  });

  it('sends a new code instead of one that expires soon or was sent six times', async () => {
    await start();
    await send().expect(200);
    const first = await getCode();
    service.clock.advance(minutes(5) - seconds(20));
    expect((await resend()).body).toMatchObject({ step: 'code', validForSeconds: 300 });
    const second = await getCode();
    expect(second).not.toBe(first);
    for (let i = 0; i < 5; i += 1) {
      service.clock.advance(seconds(30));
      await resend().expect(200);
      expect(await getCode()).toBe(second);
    }
    service.clock.advance(seconds(30));

    await resend().expect(200);
    expect(await getCode()).not.toBe(second);
  });

  it('says why a code can no longer be verified', async () => {
    await start();
    await send().expect(200);
    for (let tries = 1; tries < 5; tries += 1) await verify(wrongCode(await getCode()));
    const last = await verify(wrongCode(await getCode()));
    expect(last.body).toMatchObject({ step: 'over', reason: 'attempts_exhausted' });
    expect(await getState()).toEqual(last.body);

    await send('+14155550124').expect(200);
    service.clock.advance(seconds(30));
    // A new send to the number cancels the verification of the page.
    await service.http.post('/otp/send').send({ phoneNumber: '+14155550124' }).expect(200);
    expect(await getState()).toMatchObject({ step: 'over', reason: 'cancelled' });

    await send('+14155550125').expect(200);
    await service.http.post('/otp/numbers/erase').send({ phoneNumber: '+14155550125' });
    expect(await getState()).toMatchObject({ step: 'over' });
  });

  it('shows the messages to the number of the session, oldest first', async () => {
    await start();
    await send().expect(200);
    service.clock.advance(seconds(30));
    await resend().expect(200);
    const code = await getCode();
    const message = { from: expect.any(String), text: expect.stringContaining(code), code };

    expect((await browser.get('/demo/messages')).body).toEqual([
      { ...message, sentAt: '2030-01-01T00:00:00.000Z' },
      { ...message, sentAt: '2030-01-01T00:00:30.000Z' },
    ]);
  });

  it('logs no number, code, pinId or id of a session', async () => {
    await start();
    const getPinId = watchPinId(service);
    const { headers } = await browser.get('/demo/state');
    const [, id = ''] = /demo-session=([\w-]+)/.exec(String(headers['set-cookie'])) ?? [];
    await send();
    const code = await getCode();
    await verify(code);
    await browser.get('/demo/messages');

    expect(service.log.text).toContain('/demo/verify');
    const pinId = await getPinId();
    for (const secret of [NUMBER.slice(1), code, id, pinId])
      expect(service.log.text).not.toContain(secret);
  });
});

describe('The demo page', () => {
  it.each([
    ['in production', { ...PRODUCTION, ...INFOBIP }],
    [
      'in production, even with a provider on this machine',
      { ...PRODUCTION, ...INFOBIP, INFOBIP_BASE_URL: 'http://127.0.0.1:9' },
    ],
    ['with a real account', { ...INFOBIP, ALLOW_UNAUTHENTICATED: 'true' }],
    ['if API_KEYS is set', { API_KEYS: shop.entry }],
  ])('has neither files nor a back end %s', async (_when, settings) => {
    const service = await startService(settings);
    const client = createClientAgent(service.url, shop.key).set('sec-fetch-site', 'same-origin');

    for (const path of ['/demo', '/demo/app.js', '/demo/state', '/demo/messages'])
      expectProblem(await client.get(path), 404, 'not_found');
    for (const path of ['/demo/send', '/demo/resend', '/demo/verify'])
      expectProblem(await client.post(path).send({ phoneNumber: NUMBER }), 404, 'not_found');
    await service.close();
  });
});
