import { createHash, createHmac } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { AccountCheck } from '../../src/providers/account-check.js';
import type { OtpProvider } from '../../src/providers/otp-provider.js';
import { phoneNumber } from '../support/phone-number.js';
import { failureOf, startProvider } from '../support/provider.js';
import {
  hang,
  hangUp,
  reply,
  startScriptedUpstream,
  type Script,
  type ScriptedUpstream,
} from '../support/scripted-upstream.js';

const KEY = '11111111-2222-4333-8444-555555555555';
const SECRET = 'Y29udHJhY3QtZG9jLWV4YW1wbGU=';

const refusal = (errorCode: number | string) => ({
  errorCode,
  message: 'about +41793026727',
  reference: 'r',
});
const HTML = '<html><body>41793026727</body></html>';

/** What any call may meet: how it is answered, the kind it becomes, whether a text may be out. */
const FAILURES: [title: string, script: Script, failure: string, ambiguous: boolean][] = [
  ['40002', reply(400, refusal(40002)), 'rejected', false],
  ['40003 as text', reply(400, refusal('40003')), 'rejected', false],
  ['40101', reply(401, refusal(40101)), 'unauthorized', false],
  ['40102', reply(401, refusal(40102)), 'unauthorized', false],
  ['40200', reply(402, refusal(40200)), 'not_accepted', false],
  ['40303', reply(403, refusal(40303)), 'unauthorized', false],
  ['40900', reply(409, refusal(40900)), 'rejected', false],
  ['42200', reply(422, refusal(42200)), 'rejected', false],
  ['42900', reply(429, refusal(42900)), 'throttled', false],
  ['42901', reply(429, refusal(42901)), 'number_throttled', false],
  ['50000', reply(500, refusal(50000)), 'server_error', true],
  ['50300', reply(503, refusal(50300)), 'server_error', true],
  ['a 500 that says 40001', reply(500, refusal(40001)), 'server_error', true],
  ['502 with HTML', reply(502, HTML, { 'content-type': 'text/html' }), 'server_error', true],
  ['an error in a 200', reply(200, refusal(40102)), 'unauthorized', false],
  ['a server’s error in a 200', reply(200, refusal(50000)), 'server_error', true],
  ['404 from a gateway', reply(404, HTML, { 'content-type': 'text/html' }), 'rejected', false],
  ['a redirect', reply(302, '', { location: 'http://127.0.0.1:9/' }), 'invalid_response', true],
  ['200 with HTML', reply(200, HTML, { 'content-type': 'text/html' }), 'invalid_response', true],
  ['200 with garbage', reply(200, '{"id":'), 'invalid_response', true],
  ['200 with nothing', reply(200, ''), 'invalid_response', true],
  ['200 with null', reply(200, 'null'), 'invalid_response', true],
  ['200 with an empty object', reply(200, {}), 'invalid_response', true],
  ['200 with a strange status', reply(200, { id: 'ID', status: 'NEW' }), 'invalid_response', true],
  [
    '200 with a status that is no text',
    reply(200, { id: 'ID', status: 7 }),
    'invalid_response',
    true,
  ],
  ['a broken connection', hangUp, 'connection_lost', true],
];

describe('SinchProvider', () => {
  let upstream: ScriptedUpstream;
  let close: () => Promise<void>;
  let provider: OtpProvider;
  let inspection: AccountCheck;
  const number = phoneNumber('+41793026727');

  beforeAll(async () => {
    upstream = await startScriptedUpstream();
    ({ provider, inspection, close } = await startProvider({
      PROVIDERS: 'sinch',
      SINCH_BASE_URL: `${upstream.url}/`,
      SINCH_APPLICATION_KEY: KEY,
      SINCH_APPLICATION_SECRET: SECRET,
      PROVIDER_TIMEOUT: '60s',
      OTP_TTL: '90s',
    }));
  });

  afterAll(async () => {
    await close();
    await upstream.close();
  });

  beforeEach(() => {
    upstream.requests.length = 0;
  });

  const send = () => provider.send(number, 'sms');
  const verify = (handle = 'sms/ID') => provider.verify(number, handle, '407193');

  /** Recomputes the signature from what came over the wire. */
  function expectSigned(request: (typeof upstream.requests)[number] | undefined): void {
    const { method = '', path = '', headers = {}, body = '' } = request ?? {};
    const timestamp = String(headers['x-timestamp']);
    expect(Math.abs(Date.now() - Date.parse(timestamp))).toBeLessThan(60_000);
    const md5 = createHash('md5').update(body).digest('base64');
    const text = `${method}\n${md5}\n${headers['content-type']}\nx-timestamp:${timestamp}\n${path}`;
    const key = Buffer.from(SECRET, 'base64');
    const signature = createHmac('sha256', key).update(text).digest('base64');
    expect(headers.authorization).toBe(`Application ${KEY}:${signature}`);
  }

  describe.each([
    ['send', () => provider.send(number, 'sms'), () => provider.send(number, 'voice')],
    [
      'resend',
      () => provider.resend(number, 'callout/OLD', 'sms'),
      () => provider.resend(number, 'sms/OLD', 'voice'),
    ],
  ])('%s', (_operation, bySms, byVoice) => {
    it('starts a verification by SMS, signed, that lives as long as ours', async () => {
      upstream.answer(reply(200, { id: '018f', method: 'sms', sms: { template: '{{CODE}}' } }));

      expect(await bySms()).toBe('sms/018f');

      const [request] = upstream.requests;
      expect(request).toMatchObject({ method: 'POST', path: '/verification/v1/verifications' });
      expect(request?.headers).toMatchObject({
        'content-type': 'application/json',
        accept: 'application/json',
      });
      expect(JSON.parse(request?.body ?? '')).toEqual({
        identity: { type: 'number', endpoint: '+41793026727' },
        method: 'sms',
        smsOptions: { codeType: 'Numeric', expiry: '00:01:30' },
      });
      expectSigned(request);
    });

    it('starts one by call', async () => {
      upstream.answer(reply(200, { id: '018f', method: 'callout', status: 'Pending' }));

      expect(await byVoice()).toBe('callout/018f');

      expect(JSON.parse(upstream.requests[0]?.body ?? '')).toEqual({
        identity: { type: 'number', endpoint: '+41793026727' },
        method: 'callout',
      });
    });

    it.each([40001, 40005])('takes %d for the number’s own fault', async (errorCode) => {
      upstream.answer(reply(400, refusal(errorCode)));

      expect(await failureOf(bySms())).toMatchObject({ failure: 'destination_unreachable' });
    });

    it.each(['DENIED', 'Denied', 'ERROR', 'error'])(
      'takes a 200 with %s for a text that was kept back',
      async (status) => {
        upstream.answer(reply(200, { id: '018f', status, reason: 'Fraud' }));

        expect(await failureOf(bySms())).toMatchObject({
          failure: 'not_accepted',
          ambiguous: false,
        });
      },
    );

    it.each([{ id: 7 }, { id: '' }, { id: '018f', status: 'SUCCESSFUL' }, { status: 'PENDING' }])(
      'does not believe a 200 with %j',
      async (body) => {
        upstream.answer(reply(200, body));

        expect(await failureOf(bySms())).toMatchObject({
          failure: 'invalid_response',
          ambiguous: true,
        });
      },
    );

    it('does not take a 404 for an end: it asked about nothing', async () => {
      upstream.answer(reply(404, refusal(40400)));

      expect(await failureOf(bySms())).toMatchObject({ failure: 'rejected', ambiguous: false });
    });

    it.each(FAILURES)('turns %s into a failure', async (_title, script, failure, ambiguous) => {
      upstream.answer(script);

      expect(await failureOf(bySms())).toMatchObject({ failure, ambiguous });
      expect(upstream.requests).toHaveLength(1);
    });
  });

  it.each([
    ['1500ms', '00:00:02'],
    ['10m', '00:10:00'],
  ])('writes a life of %s as %s', async (OTP_TTL, expiry) => {
    const other = await startProvider({
      PROVIDERS: 'sinch',
      SINCH_BASE_URL: upstream.url,
      OTP_TTL,
    });
    upstream.answer(reply(200, { id: '018f' }));

    await other.provider.send(number, 'sms');

    expect(JSON.parse(upstream.requests[0]?.body ?? '').smsOptions.expiry).toBe(expiry);
    await other.close();
  });

  describe('verify', () => {
    const judged = (status: string, more: object = {}) =>
      reply(200, { id: 'ID', method: 'sms', status, ...more });

    it.each([
      ['sms/ID', { method: 'sms', sms: { code: '407193' } }],
      ['callout/ID', { method: 'callout', callout: { code: '407193' } }],
    ])('reports for %s in the way that the code went out, signed', async (handle, body) => {
      upstream.answer(judged('SUCCESSFUL'));

      expect(await verify(handle)).toBe('verified');

      const [request] = upstream.requests;
      expect(request).toMatchObject({
        method: 'PUT',
        path: '/verification/v1/verifications/id/ID',
      });
      expect(JSON.parse(request?.body ?? '')).toEqual(body);
      expectSigned(request);
    });

    it('lets no id out of its place in the path, and signs the path as it is sent', async () => {
      upstream.answer(reply(200, { id: 'a/../b?c', status: 'SUCCESSFUL' }));

      expect(await verify('sms/a/../b?c')).toBe('verified');

      const [request] = upstream.requests;
      expect(request?.path).toBe('/verification/v1/verifications/id/a%2F..%2Fb%3Fc');
      expectSigned(request);
    });

    it.each([
      ['SUCCESSFUL', {}, 'verified'],
      ['Successful', { identity: { type: 'number', endpoint: '+41793026727' } }, 'verified'],
      ['successful', { identity: null }, 'verified'],
      ['FAIL', { reason: 'Invalid code' }, 'wrong_code_final'],
      ['Fail', { reason: 'Something new' }, 'wrong_code_final'],
      ['FAIL', {}, 'wrong_code_final'],
      ['FAIL', { reason: 'Expired' }, 'expired'],
      ['fail', { reason: 'EXPIRED' }, 'expired'],
      ['DENIED', { reason: 'Blocked' }, 'attempts_exhausted'],
      ['ABORTED', {}, 'attempts_exhausted'],
      ['ERROR', { reason: 'Internal error' }, 'attempts_exhausted'],
    ])('reads %s with %j as %s', async (status, more, verdict) => {
      upstream.answer(judged(status, more));

      expect(await verify()).toBe(verdict);
    });

    it('reads the API’s own 404 as its final no', async () => {
      upstream.answer(reply(404, refusal(40400)));

      expect(await verify()).toBe('attempts_exhausted');
    });

    it('asks nothing about a code of another provider, which it cannot judge', async () => {
      expect(await verify('9A41C0')).toBe('attempts_exhausted');
      expect(upstream.requests).toEqual([]);
    });

    it.each([
      ['another verification', { id: 'OTHER', status: 'SUCCESSFUL' }],
      ['no verification', { status: 'SUCCESSFUL' }],
      [
        'another number',
        { id: 'ID', status: 'SUCCESSFUL', identity: { endpoint: '+41790000000' } },
      ],
    ])('does not believe a success for %s', async (_what, body) => {
      upstream.answer(reply(200, body));

      expect(await failureOf(verify())).toMatchObject({ failure: 'invalid_response' });
    });

    it('does not believe a success that comes as an error', async () => {
      upstream.answer(reply(409, { id: 'ID', status: 'SUCCESSFUL' }));
      expect(await failureOf(verify())).toMatchObject({ failure: 'rejected' });

      upstream.answer(judged('SUCCESSFUL', refusal(40102)));
      expect(await failureOf(verify())).toMatchObject({ failure: 'unauthorized' });
    });

    it('takes PENDING for no judgement', async () => {
      upstream.answer(judged('PENDING'));

      expect(await failureOf(verify())).toMatchObject({ failure: 'invalid_response' });
    });

    it('does not take a code that Sinch refuses to look at for a judged one', async () => {
      upstream.answer(reply(400, refusal(40001)));

      expect(await failureOf(verify())).toMatchObject({ failure: 'rejected' });
    });

    it.each(FAILURES)('turns %s into a failure', async (_title, script, failure) => {
      upstream.answer(script);

      expect(await failureOf(verify())).toMatchObject({ failure });
    });
  });

  describe('inspected', () => {
    it('asks about a verification that nobody has, signed', async () => {
      let asked: (typeof upstream.requests)[number] | undefined;
      upstream.answerReads((response) => {
        const { method = '', url = '', headers } = response.req;
        asked = { method, path: url, headers, body: '', remotePort: 0 };
        reply(404, refusal(40400))(response);
      });

      expect(await inspection.check()).toMatchObject([{ check: 'access', level: 'ok' }]);

      expect(asked?.path).toBe('/verification/v1/verifications/id/none');
      const { 'content-type': type, 'x-timestamp': time, authorization } = asked?.headers ?? {};
      const text = `GET\n\n${type}\nx-timestamp:${String(time)}\n${asked?.path}`;
      const key = Buffer.from(SECRET, 'base64');
      expect(authorization).toBe(
        `Application ${KEY}:${createHmac('sha256', key).update(text).digest('base64')}`,
      );
    });

    it.each([
      ['a wrong signature', reply(401, refusal(40102)), 'credentials', 'error'],
      ['a wrong key in a 200', reply(200, refusal(40108)), 'credentials', 'error'],
      ['a weak signature', reply(403, refusal(40303)), 'credentials', 'error'],
      ['a wrong clock', reply(401, refusal(40101)), 'clock', 'error'],
      ['a throttle', reply(429, refusal(42900)), 'host', 'warning'],
      ['a broken server', reply(500, HTML), 'host', 'error'],
      ['another host', reply(404, HTML), 'host', 'error'],
      ['a broken connection', hangUp, 'host', 'error'],
    ])('finds %s', async (_what, script, check, level) => {
      upstream.answerReads(script);

      const [finding, ...others] = await inspection.check();

      expect(finding).toMatchObject({ check, level, remedy: expect.any(String) });
      expect(others).toEqual([]);
      expect(JSON.stringify(finding)).not.toMatch(/41793026727|html/);
    });
  });

  describe('where the answer takes longer than it waits', () => {
    let impatient: Awaited<ReturnType<typeof startProvider>>;

    beforeAll(async () => {
      impatient = await startProvider({
        PROVIDERS: 'sinch',
        SINCH_BASE_URL: upstream.url,
        PROVIDER_TIMEOUT: '150ms',
      });
    });

    afterAll(() => impatient.close());

    it.each([
      ['no answer', hang],
      ['half an answer', (response: ServerResponse) => response.write('{"id"')],
    ])('turns %s into a failure', async (_title, script) => {
      upstream.answer(script);

      const failure = { failure: 'timed_out', ambiguous: true };
      expect(await failureOf(impatient.provider.send(number, 'sms'))).toMatchObject(failure);
      const verified = impatient.provider.verify(number, 'sms/ID', '407193');
      expect(await failureOf(verified)).toMatchObject(failure);
    });

    it('finds silence', async () => {
      upstream.answerReads(hang);

      expect(await impatient.inspection.check()).toMatchObject([
        { check: 'host', level: 'error', message: expect.stringContaining('in time') },
      ]);
    });
  });

  // In ProviderHttp: `timeoutMs`; the 60 s of the settings would end the test.
  it('waits no longer than it is told', async () => {
    upstream.answer(hang);

    expect(await failureOf(provider.send(number, 'sms', { timeoutMs: 50 }))).toMatchObject({
      failure: 'timed_out',
    });
  });

  it('knows that a refused connection asked nothing', async () => {
    const gone = await startScriptedUpstream();
    await gone.close();
    const other = await startProvider({ PROVIDERS: 'sinch', SINCH_BASE_URL: gone.url });

    const error = await failureOf(other.provider.send(number, 'sms'));

    expect(error).toMatchObject({ failure: 'connection_failed', ambiguous: false });
    await other.close();
  });

  it('waits as long as Retry-After says', async () => {
    upstream.answer(reply(429, refusal(42900), { 'retry-after': '7' }));

    expect(await failureOf(send())).toMatchObject({ retryAfterMs: 7_000 });
  });

  it('names the vendor’s own code for the log', async () => {
    upstream.answer(reply(401, refusal(40102)));

    expect((await failureOf(send())).message).toBe('unauthorized (40102)');
  });

  it('lets nothing of the request or the answer into its errors', async () => {
    for (const [, script] of FAILURES) {
      upstream.answer(script);
      for (const call of [send, verify]) {
        const { message, stack, cause } = await failureOf(call());
        expect(cause).toBeUndefined();
        expect(`${message}${String(stack)}`).not.toMatch(/41793026727|407193|Y29udHJh|1111-2222/);
      }
    }
  });
});
