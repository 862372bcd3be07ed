import supertest from 'supertest';
import { hours, minutes } from '../../src/common/durations.js';
import { wrongCode } from '../support/wrong-code.js';
import { createMagicNumber, PHONE_NUMBER, SINCH_APPLICATION } from '../support/sandbox.js';
import {
  expectSinchError,
  createIdentity,
  NUMBER,
  startSinchSandbox,
  VERIFICATIONS,
  type SinchSandbox,
} from '../support/sinch-sandbox.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe('The sandbox as Sinch', () => {
  let sandbox: SinchSandbox;

  beforeEach(async () => {
    sandbox = await startSinchSandbox();
  });

  afterEach(() => sandbox.close());

  describe('authentication', () => {
    const { key, secret } = SINCH_APPLICATION;
    const getWith = (authorization: string, timestamp?: string) =>
      supertest(sandbox.url)
        .get(`${VERIFICATIONS}/id/none`)
        .set({ authorization, ...(timestamp !== undefined && { 'x-timestamp': timestamp }) });
    const encodeBasicAuth = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
    const timestampBefore = (ms: number) => new Date(Date.now() - ms).toISOString();

    it('accepts a signed request, with any timestamp precision, with or without a body', async () => {
      await sandbox.startVerification().expect(200);
      await sandbox
        .startVerification({}, { contentType: 'application/json; charset=utf-8' })
        .expect(200);
      const timestamp = `${new Date().toISOString().slice(0, -1)}1234Z`;
      await sandbox.startVerification({}, { timestamp }).expect(200);
      await sandbox.callSinch('get', '/id/none').expect(404);
      await sandbox.callSinch('get', '/id/none?more=1').expect(404);
    });

    it('accepts Basic with key and secret, in any case of the scheme', async () => {
      await getWith(encodeBasicAuth(`${key}:${secret}`)).expect(404);
      await getWith(encodeBasicAuth(`${key}:${secret}`).replace('Basic', 'bASIC')).expect(404);
    });

    it.each([
      ['another secret', { secret: 'YW5vdGhlcg==' }, 40102],
      ['another body', { signedBody: '{}' }, 40102],
      ['an empty body', { signedBody: '' }, 40102],
      ['another path', { signedPath: `${VERIFICATIONS}/id/x` }, 40102],
      ['another method', { signedMethod: 'PUT' }, 40102],
      ['another key', { key: '11111111-2222-4333-8444-555555555555' }, 40108],
      ['an empty timestamp', { timestamp: '' }, 40101],
      ['a malformed timestamp', { timestamp: 'now' }, 40101],
    ])('rejects a request that was signed with %s', async (_description, signing, code) => {
      expectSinchError(await sandbox.startVerification({}, signing), code);
      expect(await sandbox.listMessages()).toEqual([]);
    });

    it.each([
      [minutes(4), 200],
      [-minutes(4), 200],
      [minutes(6), 401],
      [-minutes(6), 401],
    ])('answers a request that was signed %d ms ago with %d', async (ms, status) => {
      await sandbox.startVerification({}, { timestamp: timestampBefore(ms) }).expect(status);
    });

    it('checks timestamps by the system clock even if the sandbox clock was moved', async () => {
      const { id } = await sandbox.startAndReadCode();
      await sandbox.callControl('put', 'clock', { advanceMs: hours(5) }).expect(200);

      expect(await sandbox.getStatus(id)).toMatchObject({ status: 'FAIL', reason: 'Expired' });
    });

    it.each([
      ['a missing Authorization header', '', 40100],
      ['another scheme', 'Bearer x', 40100],
      ['a key without a signature', `Application ${SINCH_APPLICATION.key}`, 40303],
      ['a wrong password', encodeBasicAuth(`${SINCH_APPLICATION.key}:x`), 40108],
    ])('rejects %s', async (_description, authorization, code) => {
      expectSinchError(await getWith(authorization), code);
    });
  });

  describe('start', () => {
    it.each([
      ['de-CH', 'de-DE', 'Ihr Code ist'],
      ['pl, fr;q=0.5, es;q=0.9', 'es-ES', 'Su código es'],
      ['sv;q=0, *', 'en-US', 'Your code is'],
      ['', 'en-US', 'Your code is'],
    ])('with Accept-Language "%s" sends a message in %s', async (accepted, language, text) => {
      for (const method of ['sms', 'whatsapp']) {
        const { headers } = await sandbox
          .startVerification({ method })
          .set('accept-language', accepted)
          .expect(200);

        expect(headers['content-language']).toBe(language);
      }
      const messages = await sandbox.listMessages(NUMBER);
      expect(messages.map((message) => message.text)).toEqual(
        messages.map(({ pin }) => `${text} ${pin}`),
      );
    });

    it('speaks English in a call, with any Accept-Language', async () => {
      const { headers } = await sandbox
        .startVerification({ method: 'callout' })
        .set('accept-language', 'de')
        .expect(200);

      expect(headers['content-language']).toBe('en-US');
      const [message] = await sandbox.listMessages(NUMBER);
      expect(message?.text).toBe(`Your code is ${message?.pin ?? ''}`);
    });

    it('sends a code by SMS and returns links to status and report', async () => {
      const { body, headers } = await sandbox
        .startVerification({ custom: 'tenant=12' })
        .expect(200);

      const href = `${sandbox.url}${VERIFICATIONS}/id/${body.id}`;
      expect(body).toEqual({
        id: expect.stringMatching(UUID),
        method: 'sms',
        sms: {
          template: 'Your code is {{CODE}}',
          interceptionTimeout: expect.any(Number),
          codeType: 'Numeric',
        },
        _links: [
          { rel: 'status', href, method: 'GET' },
          { rel: 'report', href, method: 'PUT' },
        ],
      });
      expect(headers['content-language']).toBe('en-US');
      const [message] = await sandbox.listMessages(NUMBER);
      expect(message).toEqual({
        to: '41793026727',
        from: 'Sinch',
        channel: 'sms',
        text: `Your code is ${message?.pin ?? ''}`,
        pin: expect.stringMatching(/^\d{4}$/),
        pinId: body.id,
        provider: 'sinch',
        sentAt: new Date(sandbox.clock.now()).toISOString(),
      });
    });

    it.each([
      ['sms', 'Alpha', /^[A-Z]{4}$/],
      ['sms', 'Alphanumeric', /^[0-9A-Z]{4}$/],
      ['whatsapp', 'Alpha', /^[A-Z]{4}$/],
    ])('generates a code for %s of type %s', async (method, codeType, pattern) => {
      const { code } = await sandbox.startAndReadCode({
        method,
        [`${method}Options`]: { codeType },
      });

      expect(code).toMatch(pattern);
    });

    it('accepts the older spelling flashCall', async () => {
      const { body } = await sandbox.startVerification({ method: 'flashCall' }).expect(200);

      expect(body).toMatchObject({ method: 'flashcall', flashCall: { reportTimeout: 120 } });
      expect(await sandbox.listMessages(NUMBER)).toMatchObject([{ channel: 'flashcall' }]);
    });

    it('uses the fixed PIN of a number as its code', async () => {
      await sandbox.callControl('put', 'pins', { to: NUMBER, pin: '4071' }).expect(200);
      const { id } = await sandbox.startAndReadCode();

      expect((await sandbox.reportCode(id, '4071')).body).toMatchObject({ status: 'SUCCESSFUL' });
    });

    it('aborts the pending verification of the number, and no closed one', async () => {
      const closed = await sandbox.startAndReadCode();
      await sandbox.reportCode(closed.id, closed.code);
      const pending = await sandbox.startAndReadCode();
      const other = await sandbox.startAndReadCode({ identity: createIdentity('+41793026728') });

      await sandbox.startAndReadCode();

      expect(await sandbox.getStatus(closed.id)).toMatchObject({ status: 'SUCCESSFUL' });
      expect(await sandbox.getStatus(pending.id)).toMatchObject({ status: 'ABORTED' });
      expect(await sandbox.getStatus(other.id)).toMatchObject({ status: 'PENDING' });
      expectSinchError(await sandbox.reportCode(pending.id, pending.code), 40400);
    });

    it.each([
      ['a number without plus', { identity: createIdentity('41793026727') }],
      ['a number with too few digits', { identity: createIdentity('+417') }],
      ['a missing identity', { identity: undefined }],
      ['another kind of identity', { identity: { type: 'email', endpoint: NUMBER } }],
      ['a missing method', { method: undefined }],
      ['an unknown method', { method: 'pigeon' }],
      ['a reference with a slash', { reference: 'a/b' }],
      ['the reference .', { reference: '.' }],
      ['the reference ..', { reference: '..' }],
      ['a reference of more than 1,024 characters', { reference: 'a'.repeat(1_025) }],
      ['a custom text of more than 4,096 characters', { custom: 'x'.repeat(4_097) }],
      ['an unknown type of code', { smsOptions: { codeType: 'Hex' } }],
      ['an expiry of zero', { smsOptions: { expiry: '00:00:00' } }],
      ['a malformed expiry', { smsOptions: { expiry: '5m' } }],
      ['a too short dial timeout', { flashCallOptions: { dialTimeout: 4 } }],
    ])('rejects %s', async (_description, change) => {
      expectSinchError(await sandbox.startVerification(change), 40001);
      expect(await sandbox.listMessages()).toEqual([]);
    });

    it('rejects a reference in use, a body that is not JSON, and an unknown path', async () => {
      await sandbox.startVerification({ reference: 'once' }).expect(200);

      expectSinchError(await sandbox.startVerification({ reference: 'once' }), 40900);
      expectSinchError(await sandbox.callSinch('post', '', '{"identity":'), 40003);
      expectSinchError(await sandbox.callSinch('post', ''), 40003);
      expectSinchError(await sandbox.callSinch('post', '', `"${'x'.repeat(20_000)}"`), 40003);
      expectSinchError(await sandbox.callSinch('get', '/nothing/there'), 40400);
    });
  });

  describe('report', () => {
    it('accepts the correct code once', async () => {
      const { id, code } = await sandbox.startAndReadCode({ reference: 'signup' });

      const { body } = await sandbox.reportCode(id, code).expect(200);

      expect(body).toEqual({
        id,
        method: 'sms',
        status: 'SUCCESSFUL',
        reference: 'signup',
        source: 'manual',
        identity: createIdentity(NUMBER),
      });
      expectSinchError(await sandbox.reportCode(id, code), 40400);
    });

    it('closes the verification on a wrong code', async () => {
      const { id, code } = await sandbox.startAndReadCode();

      const { body } = await sandbox.reportCode(id, wrongCode(code)).expect(200);

      expect(body).toMatchObject({ id, status: 'FAIL', reason: 'Invalid code' });
      expectSinchError(await sandbox.reportCode(id, code), 40400);
    });

    it.each([
      ['after the requested expiry', '00:02:00', minutes(2)],
      ['after ten minutes by default', undefined, minutes(10)],
    ])('rejects a code %s', async (_description, expiry, ttlMs) => {
      const request = expiry === undefined ? {} : { smsOptions: { expiry } };
      const onTime = await sandbox.startAndReadCode(request);
      sandbox.clock.advance(ttlMs - 1);
      expect((await sandbox.reportCode(onTime.id, onTime.code)).body.status).toBe('SUCCESSFUL');

      const late = await sandbox.startAndReadCode(request);
      sandbox.clock.advance(ttlMs);
      const expired = { status: 'FAIL', reason: 'Expired' };
      expect(await sandbox.getStatus(late.id)).toMatchObject(expired);
      expect((await sandbox.reportCode(late.id, late.code).expect(200)).body).toMatchObject(
        expired,
      );
    });

    it('finds the pending verification by number', async () => {
      const { code } = await sandbox.startAndReadCode();
      const reportByNumber = () =>
        sandbox.callSinch('put', `/number/${NUMBER}`, { method: 'sms', sms: { code } });

      expect((await reportByNumber().expect(200)).body).toMatchObject({ status: 'SUCCESSFUL' });
      expectSinchError(await reportByNumber(), 40400);
    });

    it('accepts the number that called as the code of a flash call', async () => {
      const reportCaller = (id: string, cli: string) =>
        sandbox.callSinch('put', `/id/${id}`, { method: 'flashcall', flashCall: { cli } });
      const correct = await sandbox.startAndReadCode({ method: 'flashcall' });
      expect((await reportCaller(correct.id, correct.code)).body).toMatchObject({
        status: 'SUCCESSFUL',
        callComplete: true,
      });

      const { id } = await sandbox.startAndReadCode({ method: 'flashcall' });
      expect((await reportCaller(id, NUMBER)).body).toMatchObject({
        status: 'FAIL',
        reason: 'Invalid CLI',
      });
    });

    it('rejects a malformed report and keeps the verification pending', async () => {
      const { id, code } = await sandbox.startAndReadCode();

      expectSinchError(await sandbox.reportCode(id, 'x'.repeat(11)), 40001);
      expectSinchError(await sandbox.reportCode(id, '12 34'), 40001);
      expectSinchError(await sandbox.reportCode(id, code, 'callout'), 40001);
      expectSinchError(await sandbox.callSinch('put', `/id/${id}`, { method: 'sms' }), 40001);
      expectSinchError(await sandbox.reportCode('none', code), 40400);
      expect((await sandbox.reportCode(id, code)).body).toMatchObject({ status: 'SUCCESSFUL' });
    });
  });

  describe('status', () => {
    it('is found by id, by number and by reference', async () => {
      const reference = 'signup'.padEnd(1_024, '.');
      const { id } = await sandbox.startAndReadCode({ reference });
      const time = new Date(sandbox.clock.now()).toISOString().slice(0, -1);
      const pending = {
        id,
        method: 'sms',
        status: 'PENDING',
        reference,
        source: 'manual',
        identity: createIdentity(NUMBER),
        countryId: 'CH',
        verificationTimestamp: `${time}0000`,
      };

      for (const path of [`/id/${id}`, `/sms/number/${NUMBER}`, `/reference/${reference}`])
        await sandbox.callSinch('get', path).expect(200, pending);
      expectSinchError(await sandbox.callSinch('get', `/callout/number/${NUMBER}`), 40400);
      expectSinchError(await sandbox.callSinch('get', `/pigeon/number/${NUMBER}`), 40001);
      expectSinchError(await sandbox.callSinch('get', '/reference/other'), 40400);
      expectSinchError(await sandbox.callSinch('get', `/reference/${'a'.repeat(8_000)}`), 40400);
    });

    it('includes the price once the verification is closed', async () => {
      const { id, code } = await sandbox.startAndReadCode({ method: 'callout' });
      expect(await sandbox.getStatus(id)).not.toHaveProperty('price');

      await sandbox.reportCode(id, code, 'callout');

      expect(await sandbox.getStatus(id)).toMatchObject({
        status: 'SUCCESSFUL',
        callResult: 'ANSWERED',
        callComplete: true,
        price: {
          verificationPrice: { amount: expect.any(Number), currencyId: 'EUR' },
          terminationPrice: { amount: expect.any(Number), currencyId: 'EUR' },
          billableDuration: expect.any(Number),
        },
      });
    });

    it('is found by number for an hour', async () => {
      await sandbox.startAndReadCode();
      sandbox.clock.advance(hours(1) - 1);
      await sandbox.callSinch('get', `/sms/number/${NUMBER}`).expect(200);
      sandbox.clock.advance(1);

      expectSinchError(await sandbox.callSinch('get', `/sms/number/${NUMBER}`), 40400);
    });
  });

  it('completes a seamless verification when its target URL is opened, once', async () => {
    const { body } = await sandbox.startVerification({ method: 'seamless' }).expect(200);
    expect(body._links).toHaveLength(1);
    expect(await sandbox.listMessages()).toEqual([]);

    expect((await fetch(body.seamless.targetUri)).status).toBe(204);
    expect((await fetch(body.seamless.targetUri)).status).toBe(404);
    expect(await sandbox.getStatus(body.id)).toMatchObject({ status: 'SUCCESSFUL' });
    const { id } = await sandbox.startAndReadCode();
    expect((await fetch(`${sandbox.url}/verification/v1/data/${id}`)).status).toBe(404);
  });

  describe('faults', () => {
    const planFault = (fault: object) =>
      sandbox.callControl('put', 'faults', { provider: 'sinch', ...fault }).expect(200);

    it.each([
      ['bad-request', 40003],
      ['unauthorized', 40102],
      ['forbidden', 40303],
      ['not-found', 40400],
      ['throttled', 42900],
      ['server-error', 50000],
      ['unavailable', 50300],
    ])('answer %s with an error code of Sinch', async (kind, code) => {
      const { id } = await sandbox.startAndReadCode();
      for (const operation of ['send', 'verify', 'status']) await planFault({ operation, kind });

      const rejected = await sandbox.startVerification();
      expectSinchError(rejected, code);
      expect(rejected.headers['retry-after']).toBe(kind === 'throttled' ? '3' : undefined);
      expectSinchError(await sandbox.reportCode(id, '0000'), code);
      expectSinchError(await sandbox.callSinch('get', `/id/${id}`), code);
      expect(await sandbox.listMessages()).toHaveLength(1);
      expect(await sandbox.getStatus(id)).toMatchObject({ status: 'PENDING' });
    });

    it.each([
      ['not-sent', { status: 'DENIED', reason: 'Destination denied' }],
      ['unreachable', { status: 'ERROR', reason: 'Network error or number unreachable' }],
    ])(
      'answer %s with status 200 and the reason, and abort no verification',
      async (kind, closed) => {
        const pending = await sandbox.startAndReadCode();
        await planFault({ operation: 'send', kind });

        const { body } = await sandbox.startVerification().expect(200);

        expect(body).toMatchObject(closed);
        expect(await sandbox.getStatus(body.id)).toMatchObject(closed);
        expectSinchError(await sandbox.reportCode(body.id, '0000'), 40400);
        expect(await sandbox.listMessages()).toHaveLength(1);
        expect((await sandbox.reportCode(pending.id, pending.code)).body.status).toBe('SUCCESSFUL');
      },
    );

    it('simulate no-credit, expired, exhausted and wrong-msisdn', async () => {
      await planFault({ operation: 'send', kind: 'no-credit' });
      expectSinchError(await sandbox.startVerification(), 40200);

      await planFault({ operation: 'send', kind: 'expired' });
      const late = await sandbox.startAndReadCode();
      expect((await sandbox.reportCode(late.id, late.code)).body).toMatchObject({
        reason: 'Expired',
      });

      const reportWithFault = async (kind: string) => {
        const { id, code } = await sandbox.startAndReadCode();
        await planFault({ operation: 'verify', kind });
        return (await sandbox.reportCode(id, code).expect(200)).body;
      };
      expect(await reportWithFault('expired')).toMatchObject({ status: 'FAIL', reason: 'Expired' });
      expect(await reportWithFault('exhausted')).toMatchObject({
        status: 'FAIL',
        reason: 'Invalid code',
      });
      expect(await reportWithFault('wrong-msisdn')).toMatchObject({
        status: 'SUCCESSFUL',
        identity: createIdentity('+41793026728'),
      });
    });

    it('drop only the response of a start, not its message, when `performed` is true', async () => {
      await planFault({ operation: 'send', kind: 'drop', performed: true });

      await expect(sandbox.startVerification()).rejects.toThrow(/hang up|ECONNRESET/);

      expect(await sandbox.listMessages()).toHaveLength(1);
    });

    it('apply to one provider, or without `provider` to the next call of either', async () => {
      const fault = { operation: 'send', kind: 'server-error' };
      const sendToInfobip = () => sandbox.send(PHONE_NUMBER);
      await planFault(fault);
      await sendToInfobip().expect(200);
      await sandbox.startVerification().expect(500);

      await planFault({ ...fault, provider: 'infobip' });
      await sandbox.startVerification().expect(200);
      await sendToInfobip().expect(500);

      await sandbox.callControl('put', 'faults', fault).expect(200);
      await sandbox.startVerification().expect(500);
      await sendToInfobip().expect(200);
      await sandbox.anonymousHttp.get('/sandbox/faults').expect(200, []);
    });

    it.each(['id', 'number', 'reference'] as const)(
      'apply to the status of one number that is read by %s, and of no other',
      async (key) => {
        const startFor = async (endpoint: string, reference: string) => {
          const { id } = await sandbox.startAndReadCode({
            identity: createIdentity(endpoint),
            reference,
          });
          return {
            id: `/id/${id}`,
            number: `/sms/number/${endpoint}`,
            reference: `/reference/${reference}`,
          };
        };
        const paths = await startFor(NUMBER, 'signup');
        const otherPaths = await startFor('+41793026728', 'login');
        await planFault({ operation: 'status', kind: 'unavailable', to: NUMBER });

        await sandbox.callSinch('get', otherPaths[key]).expect(200);
        expectSinchError(await sandbox.callSinch('get', paths[key]), 50300);
        await sandbox.anonymousHttp.get('/sandbox/faults').expect(200, []);
        await sandbox.callSinch('get', paths[key]).expect(200);
      },
    );

    it.each(['resend', 'configuration'])(
      'are rejected for the operation %s, which Sinch does not have',
      async (operation) => {
        const fault = { provider: 'sinch', operation, kind: 'hang' };

        await sandbox.callControl('put', 'faults', fault).expect(400, /provider/);
      },
    );

    it('apply to the first fifty magic numbers of an area code; the rest fail only at Infobip', async () => {
      const AREA_CODES = { failsSend: 214, throttlesSend: 208, failsVerify: 252 };
      const withNumber = (areaCode: number, index: number) => ({
        identity: createIdentity(`+${createMagicNumber(areaCode, index)}`),
      });
      const startFor = (areaCode: number, index: number) =>
        sandbox.startVerification(withNumber(areaCode, index));

      expectSinchError(await startFor(AREA_CODES.failsSend, 0), 50000);
      expectSinchError(await startFor(AREA_CODES.throttlesSend, 49), 42900);
      await startFor(AREA_CODES.failsSend, 50).expect(200);
      await sandbox.send(createMagicNumber(AREA_CODES.failsSend, 50)).expect(500);
      const { id, code } = await sandbox.startAndReadCode(withNumber(AREA_CODES.failsVerify, 0));
      expectSinchError(await sandbox.reportCode(id, code), 50000);
    });

    it('delay a response by `delayMs`', async () => {
      await planFault({ operation: 'send', kind: 'slow', delayMs: 120 });
      const startedAt = performance.now();

      await sandbox.startVerification().expect(200);

      expect(performance.now() - startedAt).toBeGreaterThan(110);
    });
  });
});
