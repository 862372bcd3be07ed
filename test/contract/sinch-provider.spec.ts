import { createHash, createHmac } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { VerificationService } from '@sinch/verification';
import type { AccountCheck } from '../../src/providers/account-check.js';
import type { OtpProvider } from '../../src/providers/otp-provider.js';
import { phoneNumber } from '../support/phone-number.js';
import { catchProviderError, startProvidersModule } from '../support/providers-module.js';
import {
  hang,
  dropConnection,
  reply,
  startScriptedUpstream,
  type Script,
  type ScriptedUpstream,
} from '../support/scripted-upstream.js';
import { scaleTimeLimit } from '../support/time-scale.js';

const KEY = '11111111-2222-4333-8444-555555555555';
const SECRET = 'Y29udHJhY3QtZG9jLWV4YW1wbGU=';

const sinchError = (errorCode: number | string) => ({
  errorCode,
  message: 'about +41793026727',
  reference: 'r',
});
const HTML = '<html><body>41793026727</body></html>';

/** Upstream responses with the failure each becomes, and whether a message may have been sent. */
const FAILURES: [title: string, failure: string, script: Script, ambiguous: boolean][] = [
  ['40002', 'rejected', reply(400, sinchError(40002)), false],
  ['40003 as a string', 'rejected', reply(400, sinchError('40003')), false],
  ['40004', 'unauthorized', reply(400, sinchError(40004)), false],
  ['40101', 'unauthorized', reply(401, sinchError(40101)), false],
  ['40102', 'unauthorized', reply(401, sinchError(40102)), false],
  ['40200', 'not_accepted', reply(402, sinchError(40200)), false],
  ['40303', 'unauthorized', reply(403, sinchError(40303)), false],
  ['40900', 'rejected', reply(409, sinchError(40900)), false],
  ['42200', 'rejected', reply(422, sinchError(42200)), false],
  ['42900', 'throttled', reply(429, sinchError(42900)), false],
  ['42901', 'number_throttled', reply(429, sinchError(42901)), false],
  ['50000', 'server_error', reply(500, sinchError(50000)), true],
  ['50300', 'server_error', reply(503, sinchError(50300)), true],
  ['a 500 with the code 40001', 'server_error', reply(500, sinchError(40001)), true],
  ['502 with HTML', 'server_error', reply(502, HTML, { 'content-type': 'text/html' }), true],
  ['an error in a 200', 'unauthorized', reply(200, sinchError(40102)), false],
  ['a server’s error in a 200', 'server_error', reply(200, sinchError(50000)), true],
  ['404 from a gateway', 'rejected', reply(404, HTML, { 'content-type': 'text/html' }), false],
  ['a redirect', 'invalid_response', reply(302, '', { location: 'http://127.0.0.1:9/' }), true],
  ['200 with HTML', 'invalid_response', reply(200, HTML, { 'content-type': 'text/html' }), true],
  ['200 with garbage', 'invalid_response', reply(200, '{"id":'), true],
  ['200 with an empty body', 'invalid_response', reply(200, ''), true],
  ['200 with null', 'invalid_response', reply(200, 'null'), true],
  ['200 with an empty object', 'invalid_response', reply(200, {}), true],
  ['200 with a strange status', 'invalid_response', reply(200, { id: 'ID', status: 'NEW' }), true],
  [
    '200 with a status that is not a string',
    'invalid_response',
    reply(200, { id: 'ID', status: 7 }),
    true,
  ],
  ['a broken connection', 'connection_lost', dropConnection, true],
];

describe('SinchProvider', () => {
  let upstream: ScriptedUpstream;
  let close: () => Promise<void>;
  let provider: OtpProvider;
  let accountCheck: AccountCheck;
  const number = phoneNumber('+41793026727');

  beforeAll(async () => {
    upstream = await startScriptedUpstream();
    ({ provider, accountCheck, close } = await startProvidersModule({
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
  const verify = (providerPinId = 'sms/ID') => provider.verify(number, providerPinId, '407193');

  /** Recomputes the signature from the received request. */
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

  it.each([
    ['a send', () => provider.send(number, 'sms', { locale: 'pt-BR' })],
    ['a resend', () => provider.resend(number, { pinId: 'sms/OLD' }, 'sms', { locale: 'pt-BR' })],
  ])('asks for the language that %s requests', async (_operation, call) => {
    upstream.answer(reply(200, { id: '018f' }));

    await call();

    expect(upstream.requests[0]?.headers).toMatchObject({ 'accept-language': 'pt-BR' });
    expectSigned(upstream.requests[0]);
  });

  describe.each([
    [
      'send',
      () => provider.send(number, 'sms'),
      () => provider.send(number, 'voice'),
      () => provider.send(number, 'whatsapp'),
    ],
    [
      'resend',
      () => provider.resend(number, { pinId: 'callout/OLD' }, 'sms'),
      () => provider.resend(number, { pinId: 'sms/OLD' }, 'voice'),
      () => provider.resend(number, { pinId: 'callout/OLD' }, 'whatsapp'),
    ],
  ])('%s', (_operation, bySms, byVoice, byWhatsApp) => {
    it('sends a signed request for an SMS verification with the expiry of OTP_TTL', async () => {
      upstream.answer(reply(200, { id: '018f', method: 'sms', sms: { template: '{{CODE}}' } }));

      expect(await bySms()).toEqual({ pinId: 'sms/018f' });

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

    it('asks for no language by default', async () => {
      upstream.answer(reply(200, { id: '018f' }));

      await bySms();

      expect(upstream.requests[0]?.headers).not.toHaveProperty('accept-language');
    });

    it('requests a verification by WhatsApp', async () => {
      upstream.answer(reply(200, { id: '018f', method: 'whatsapp', whatsapp: {} }));

      expect(await byWhatsApp()).toEqual({ pinId: 'whatsapp/018f' });

      expect(JSON.parse(upstream.requests[0]?.body ?? '')).toEqual({
        identity: { type: 'number', endpoint: '+41793026727' },
        method: 'whatsapp',
        whatsappOptions: { codeType: 'Numeric' },
      });
    });

    it('requests a verification by call', async () => {
      upstream.answer(reply(200, { id: '018f', method: 'callout', status: 'Pending' }));

      expect(await byVoice()).toEqual({ pinId: 'callout/018f' });

      expect(JSON.parse(upstream.requests[0]?.body ?? '')).toEqual({
        identity: { type: 'number', endpoint: '+41793026727' },
        method: 'callout',
      });
    });

    it.each([40001, 40005])(
      'reports the code %d as an unreachable destination',
      async (errorCode) => {
        upstream.answer(reply(400, sinchError(errorCode)));

        expect(await catchProviderError(bySms())).toMatchObject({
          failure: 'destination_unreachable',
        });
      },
    );

    it.each(['DENIED', 'Denied', 'ERROR', 'error'])(
      'reports a 200 with %s as a message not accepted',
      async (status) => {
        upstream.answer(reply(200, { id: '018f', status, reason: 'Fraud' }));

        expect(await catchProviderError(bySms())).toMatchObject({
          failure: 'not_accepted',
          ambiguous: false,
        });
      },
    );

    it.each([
      { id: 7 },
      { id: '' },
      { id: 'a/b' },
      { id: 'A'.repeat(129) },
      { id: '018f', status: 'SUCCESSFUL' },
      { status: 'PENDING' },
    ])('reports a 200 with %j as an invalid response', async (body) => {
      upstream.answer(reply(200, body));

      expect(await catchProviderError(bySms())).toMatchObject({
        failure: 'invalid_response',
        ambiguous: true,
      });
    });

    it('reports a 404 as a rejected request', async () => {
      upstream.answer(reply(404, sinchError(40400)));

      expect(await catchProviderError(bySms())).toMatchObject({
        failure: 'rejected',
        ambiguous: false,
      });
    });

    it.each(FAILURES)('reports %s as %s', async (_title, failure, script, ambiguous) => {
      upstream.answer(script);

      expect(await catchProviderError(bySms())).toMatchObject({ failure, ambiguous });
      expect(upstream.requests).toHaveLength(1);
    });
  });

  it.each([
    ['1500ms', '00:00:02'],
    ['10m', '00:10:00'],
  ])('writes an OTP_TTL of %s as the expiry %s', async (OTP_TTL, expiry) => {
    const other = await startProvidersModule({
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
    const checkResponse = (status: string, more: object = {}) =>
      reply(200, { id: 'ID', method: 'sms', status, ...more });

    it.each([
      ['sms/ID', { method: 'sms', sms: { code: '407193' } }],
      ['callout/ID', { method: 'callout', callout: { code: '407193' } }],
      ['whatsapp/ID', { method: 'whatsapp', whatsapp: { code: '407193' } }],
    ])('sends a signed report for %s with the method of the send', async (providerPinId, body) => {
      upstream.answer(checkResponse('SUCCESSFUL'));

      expect(await verify(providerPinId)).toBe('verified');

      const [request] = upstream.requests;
      expect(request).toMatchObject({
        method: 'PUT',
        path: '/verification/v1/verifications/id/ID',
      });
      expect(JSON.parse(request?.body ?? '')).toEqual(body);
      expectSigned(request);
    });

    it('escapes the id in the path and signs the escaped path', async () => {
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
    ])('maps %s with %j to %s', async (status, more, checkResult) => {
      upstream.answer(checkResponse(status, more));

      expect(await verify()).toBe(checkResult);
    });

    it('maps the API’s own 404 to attempts_exhausted', async () => {
      upstream.answer(reply(404, sinchError(40400)));

      expect(await verify()).toBe('attempts_exhausted');
    });

    it('makes no call for the pinId of another provider', async () => {
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
    ])('reports a success for %s as an invalid response', async (_what, body) => {
      upstream.answer(reply(200, body));

      expect(await catchProviderError(verify())).toMatchObject({ failure: 'invalid_response' });
    });

    it('does not accept a success in an error response', async () => {
      upstream.answer(reply(409, { id: 'ID', status: 'SUCCESSFUL' }));
      expect(await catchProviderError(verify())).toMatchObject({ failure: 'rejected' });

      upstream.answer(checkResponse('SUCCESSFUL', sinchError(40102)));
      expect(await catchProviderError(verify())).toMatchObject({ failure: 'unauthorized' });
    });

    it('reports PENDING as an invalid response', async () => {
      upstream.answer(checkResponse('PENDING'));

      expect(await catchProviderError(verify())).toMatchObject({ failure: 'invalid_response' });
    });

    it('reports a request that Sinch rejects as a failure, not as a check result', async () => {
      upstream.answer(reply(400, sinchError(40001)));

      expect(await catchProviderError(verify())).toMatchObject({ failure: 'rejected' });
    });

    it.each(FAILURES)('reports %s as %s', async (_title, failure, script) => {
      upstream.answer(script);

      expect(await catchProviderError(verify())).toMatchObject({ failure });
    });
  });

  describe('account check', () => {
    it('makes a signed request for a verification that does not exist', async () => {
      let received: (typeof upstream.requests)[number] | undefined;
      upstream.answerReads((response) => {
        const { method = '', url = '', headers } = response.req;
        received = { method, path: url, headers, body: '', remotePort: 0 };
        reply(404, sinchError(40400))(response);
      });

      expect(await accountCheck.check()).toMatchObject([{ check: 'access', level: 'ok' }]);

      expect(received?.path).toBe('/verification/v1/verifications/id/none');
      const { 'content-type': type, 'x-timestamp': time, authorization } = received?.headers ?? {};
      const text = `GET\n\n${type}\nx-timestamp:${String(time)}\n${received?.path}`;
      const key = Buffer.from(SECRET, 'base64');
      expect(authorization).toBe(
        `Application ${KEY}:${createHmac('sha256', key).update(text).digest('base64')}`,
      );
    });

    it.each([
      ['a wrong signature', reply(401, sinchError(40102)), 'credentials', 'error'],
      ['a wrong key in a 200', reply(200, sinchError(40108)), 'credentials', 'error'],
      ['a weak signature', reply(403, sinchError(40303)), 'credentials', 'error'],
      ['an invalid key', reply(400, sinchError(40004)), 'credentials', 'error'],
      ['an account without credit', reply(402, sinchError(40200)), 'balance', 'error'],
      ['an account without credit in a 200', reply(200, sinchError(40200)), 'balance', 'error'],
      ['a wrong clock', reply(401, sinchError(40101)), 'clock', 'error'],
      ['a throttle', reply(429, sinchError(42900)), 'host', 'warning'],
      ['a broken server', reply(500, HTML), 'host', 'error'],
      ['another host', reply(404, HTML), 'host', 'error'],
      ['a broken connection', dropConnection, 'host', 'error'],
    ])('reports %s', async (_what, script, check, level) => {
      upstream.answerReads(script);

      const [finding, ...others] = await accountCheck.check();

      expect(finding).toMatchObject({ check, level, remedy: expect.any(String) });
      expect(others).toEqual([]);
      expect(JSON.stringify(finding)).not.toMatch(/41793026727|html/);
    });
  });

  describe('with a response slower than PROVIDER_TIMEOUT', () => {
    let withShortTimeout: Awaited<ReturnType<typeof startProvidersModule>>;

    beforeAll(async () => {
      withShortTimeout = await startProvidersModule({
        PROVIDERS: 'sinch',
        SINCH_BASE_URL: upstream.url,
        PROVIDER_TIMEOUT: `${scaleTimeLimit(1_000)}ms`,
      });
    });

    afterAll(() => withShortTimeout.close());

    it.each([
      ['no response', hang],
      ['half a response', (response: ServerResponse) => response.write('{"id"')],
    ])('reports %s as timed_out', async (_title, script) => {
      upstream.answer(script);

      const failure = { failure: 'timed_out', ambiguous: true };
      expect(await catchProviderError(withShortTimeout.provider.send(number, 'sms'))).toMatchObject(
        failure,
      );
      const verified = withShortTimeout.provider.verify(number, 'sms/ID', '407193');
      expect(await catchProviderError(verified)).toMatchObject(failure);
    });

    it('reports a host that does not respond', async () => {
      upstream.answerReads(hang);

      expect(await withShortTimeout.accountCheck.check()).toMatchObject([
        { check: 'host', level: 'error', message: expect.stringContaining('in time') },
      ]);
    });
  });

  it('waits no longer than the time limit of the call', async () => {
    upstream.answer(hang);

    const timeoutMs = scaleTimeLimit(1_000);
    const startedAt = performance.now();
    expect(await catchProviderError(provider.send(number, 'sms', { timeoutMs }))).toMatchObject({
      failure: 'timed_out',
    });
    // PROVIDER_TIMEOUT is 60 s here.
    expect(performance.now() - startedAt).toBeLessThan(Math.min(10 * timeoutMs, 50_000));
  });

  describe('findVerified', () => {
    const findVerified = () => provider.findVerified(number, 'sms/ID', 0);

    it.each([
      [{ id: 'ID', status: 'SUCCESSFUL' }, 'verified'],
      [{ id: 'ID', status: 'Successful', identity: { endpoint: '+41793026727' } }, 'verified'],
      [{ id: 'ID', status: 'PENDING' }, 'not_verified'],
      [{ id: 'ID', status: 'FAIL', reason: 'Invalid code' }, 'not_verified'],
      [{ id: 'ID' }, 'not_verified'],
      [{ id: 'OTHER', status: 'SUCCESSFUL' }, 'unknown'],
      [{ id: 'ID', status: 'SUCCESSFUL', identity: { endpoint: '+41790000000' } }, 'unknown'],
    ])('maps %j to %s', async (body, result) => {
      upstream.answerReads(reply(200, body));

      expect(await findVerified()).toBe(result);
    });

    it('does not know what became of a verification that Sinch no longer has', async () => {
      upstream.answerReads(reply(404, sinchError(40400)));

      expect(await findVerified()).toBe('unknown');
    });

    it('reports an error in a 200 as an error', async () => {
      upstream.answerReads(reply(200, sinchError(50000)));

      expect(await catchProviderError(findVerified())).toMatchObject({ failure: 'server_error' });
    });
  });

  it('reports a refused connection as a certainly unsent message', async () => {
    const closedUpstream = await startScriptedUpstream();
    await closedUpstream.close();
    const other = await startProvidersModule({
      PROVIDERS: 'sinch',
      SINCH_BASE_URL: closedUpstream.url,
    });

    const error = await catchProviderError(other.provider.send(number, 'sms'));

    expect(error).toMatchObject({ failure: 'connection_failed', ambiguous: false });
    await other.close();
  });

  it('reads the wait from Retry-After', async () => {
    upstream.answer(reply(429, sinchError(42900), { 'retry-after': '7' }));

    expect(await catchProviderError(send())).toMatchObject({ retryAfterMs: 7_000 });
  });

  it('includes the provider’s own error code in its message', async () => {
    upstream.answer(reply(401, sinchError(40102)));

    expect((await catchProviderError(send())).message).toBe('unauthorized (40102)');
  });

  it('keeps the request and the response out of its errors', async () => {
    for (const [, , script] of FAILURES) {
      upstream.answer(script);
      for (const call of [send, verify]) {
        const { message, stack, cause } = await catchProviderError(call());
        expect(cause).toBeUndefined();
        expect(`${message}${String(stack)}`).not.toMatch(/41793026727|407193|Y29udHJh|1111-2222/);
      }
    }
  });
});

describe('SinchProvider by WhatsApp', () => {
  it('sends the same requests as the official SDK', async () => {
    const upstream = await startScriptedUpstream();
    upstream.answer(reply(200, { id: 'ID', method: 'whatsapp', status: 'PENDING' }));
    const { provider, close } = await startProvidersModule({
      PROVIDERS: 'sinch',
      SINCH_BASE_URL: upstream.url,
      SINCH_APPLICATION_KEY: KEY,
      SINCH_APPLICATION_SECRET: SECRET,
    });
    const { verifications } = new VerificationService({
      applicationKey: KEY,
      applicationSecret: SECRET,
      verificationHostname: upstream.url,
      logger: null,
    });
    const number = phoneNumber('+41793026727');

    await verifications.startWhatsApp({
      startVerificationWithWhatsAppRequestBody: {
        identity: { type: 'number', endpoint: number.e164 },
        whatsappOptions: { codeType: 'Numeric' },
      },
    });
    await verifications.reportWhatsAppById({
      id: 'ID',
      reportWhatsAppVerificationByIdRequestBody: { whatsapp: { code: '4071' } },
    });
    await provider.send(number, 'whatsapp');
    // PENDING is no result of a check.
    await provider.verify(number, 'whatsapp/ID', '4071').catch(() => undefined);
    await close();
    await upstream.close();

    const requests = upstream.requests.map(({ method, path, body }) => ({
      method,
      path,
      body: JSON.parse(body) as unknown,
    }));
    expect(requests).toHaveLength(4);
    expect(requests.slice(2)).toEqual(requests.slice(0, 2));
  });
});
