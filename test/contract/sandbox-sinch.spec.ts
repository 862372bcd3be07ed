import supertest from 'supertest';
import { hours, minutes } from '../../src/common/durations.js';
import { wrong } from '../support/codes.js';
import { SINCH_APPLICATION } from '../support/sandbox.js';
import {
  expectSinchError,
  identityOf,
  NUMBER,
  startSinchSandbox,
  VERIFICATIONS,
  type SinchSandbox,
} from '../support/sinch-sandbox.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe('Sinch in the sandbox', () => {
  let sandbox: SinchSandbox;

  beforeEach(async () => {
    sandbox = await startSinchSandbox();
  });

  afterEach(() => sandbox.close());

  describe('at the door', () => {
    const { key, secret } = SINCH_APPLICATION;
    const get = (authorization: string, timestamp?: string) =>
      supertest(sandbox.url)
        .get(`${VERIFICATIONS}/id/none`)
        .set({ authorization, ...(timestamp !== undefined && { 'x-timestamp': timestamp }) });
    const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
    const ago = (ms: number) => new Date(Date.now() - ms).toISOString();

    it('lets in who signs, in any precision of time, with or without a body', async () => {
      await sandbox.start().expect(200);
      await sandbox.start({}, { contentType: 'application/json; charset=utf-8' }).expect(200);
      const timestamp = `${new Date().toISOString().slice(0, -1)}1234Z`;
      await sandbox.start({}, { timestamp }).expect(200);
      await sandbox.ask('get', '/id/none').expect(404);
      await sandbox.ask('get', '/id/none?more=1').expect(404);
    });

    it('lets in who shows key and secret, whatever the case of the scheme', async () => {
      await get(basic(`${key}:${secret}`)).expect(404);
      await get(basic(`${key}:${secret}`).replace('Basic', 'bASIC')).expect(404);
    });

    it.each([
      ['another secret', { secret: 'YW5vdGhlcg==' }, 40102],
      ['another body', { signedBody: '{}' }, 40102],
      ['no body', { signedBody: '' }, 40102],
      ['another path', { signedPath: `${VERIFICATIONS}/id/x` }, 40102],
      ['another method', { signedMethod: 'PUT' }, 40102],
      ['another key', { key: '11111111-2222-4333-8444-555555555555' }, 40108],
      ['no time', { timestamp: '' }, 40101],
      ['a time that is none', { timestamp: 'now' }, 40101],
    ])('refuses who signs with %s', async (_what, how, code) => {
      expectSinchError(await sandbox.start({}, how), code);
      expect(await sandbox.inbox()).toEqual([]);
    });

    it.each([
      [minutes(4), 200],
      [-minutes(4), 200],
      [minutes(6), 401],
      [-minutes(6), 401],
    ])('answers who signed %d ms ago with %d', async (ms, status) => {
      await sandbox.start({}, { timestamp: ago(ms) }).expect(status);
    });

    it('goes by the time of the machine there, and all else by the clock that a test moves', async () => {
      const { id } = await sandbox.started();
      await sandbox.control('put', 'clock', { advanceMs: hours(5) }).expect(200);

      expect(await sandbox.statusOf(id)).toMatchObject({ status: 'FAIL', reason: 'Expired' });
    });

    it.each([
      ['nothing', '', 40100],
      ['another scheme', 'Bearer x', 40100],
      ['a key alone', `Application ${SINCH_APPLICATION.key}`, 40303],
      ['a wrong password', basic(`${SINCH_APPLICATION.key}:x`), 40108],
    ])('refuses %s', async (_what, authorization, code) => {
      expectSinchError(await get(authorization), code);
    });
  });

  describe('starts', () => {
    it('texts a code, and says how to go on', async () => {
      const { body, headers } = await sandbox.start({ custom: 'tenant=12' }).expect(200);

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
      const [text] = await sandbox.inbox(NUMBER);
      expect(text).toEqual({
        to: '41793026727',
        from: 'Sinch',
        channel: 'sms',
        text: `Your code is ${text?.pin ?? ''}`,
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
    ])('makes a code for %s of type %s', async (method, codeType, form) => {
      const { code } = await sandbox.started({
        method,
        [`${method}Options`]: { codeType },
      });

      expect(code).toMatch(form);
    });

    it('takes the older spelling of flash calls', async () => {
      const { body } = await sandbox.start({ method: 'flashCall' }).expect(200);

      expect(body).toMatchObject({ method: 'flashcall', flashCall: { reportTimeout: 120 } });
      expect(await sandbox.inbox(NUMBER)).toMatchObject([{ channel: 'flashcall' }]);
    });

    it('gives a number the code that was fixed for it', async () => {
      await sandbox.control('put', 'pins', { to: NUMBER, pin: '4071' }).expect(200);
      const { id } = await sandbox.started();

      expect((await sandbox.report(id, '4071')).body).toMatchObject({ status: 'SUCCESSFUL' });
    });

    it('aborts the one that was open, and no finished one', async () => {
      const done = await sandbox.started();
      await sandbox.report(done.id, done.code);
      const open = await sandbox.started();
      const other = await sandbox.started({ identity: identityOf('+41793026728') });

      await sandbox.started();

      expect(await sandbox.statusOf(done.id)).toMatchObject({ status: 'SUCCESSFUL' });
      expect(await sandbox.statusOf(open.id)).toMatchObject({ status: 'ABORTED' });
      expect(await sandbox.statusOf(other.id)).toMatchObject({ status: 'PENDING' });
      expectSinchError(await sandbox.report(open.id, open.code), 40400);
    });

    it.each([
      ['no plus', { identity: identityOf('41793026727') }],
      ['too few digits', { identity: identityOf('+417') }],
      ['no identity', { identity: undefined }],
      ['another kind of identity', { identity: { type: 'email', endpoint: NUMBER } }],
      ['no method', { method: undefined }],
      ['an unknown method', { method: 'pigeon' }],
      ['a reference that no path can hold', { reference: 'a/b' }],
      ['a reference that leads nowhere in a path', { reference: '.' }],
      ['a reference that leads elsewhere in a path', { reference: '..' }],
      ['a reference that is longer than a path should be', { reference: 'a'.repeat(1_025) }],
      ['too long a text to keep', { custom: 'x'.repeat(4_097) }],
      ['an unknown type of code', { smsOptions: { codeType: 'Hex' } }],
      ['no life', { smsOptions: { expiry: '00:00:00' } }],
      ['a life that is no time', { smsOptions: { expiry: '5m' } }],
      ['too short a call', { flashCallOptions: { dialTimeout: 4 } }],
    ])('refuses %s', async (_what, change) => {
      expectSinchError(await sandbox.start(change), 40001);
      expect(await sandbox.inbox()).toEqual([]);
    });

    it('refuses a reference that was there, and a body that is no JSON', async () => {
      await sandbox.start({ reference: 'once' }).expect(200);

      expectSinchError(await sandbox.start({ reference: 'once' }), 40900);
      expectSinchError(await sandbox.ask('post', '', '{"identity":'), 40003);
      expectSinchError(await sandbox.ask('post', ''), 40003);
      expectSinchError(await sandbox.ask('post', '', `"${'x'.repeat(20_000)}"`), 40003);
      expectSinchError(await sandbox.ask('get', '/nothing/there'), 40400);
    });
  });

  describe('judges', () => {
    it('a right code, once', async () => {
      const { id, code } = await sandbox.started({ reference: 'signup' });

      const { body } = await sandbox.report(id, code).expect(200);

      expect(body).toEqual({
        id,
        method: 'sms',
        status: 'SUCCESSFUL',
        reference: 'signup',
        source: 'manual',
        identity: identityOf(NUMBER),
      });
      expectSinchError(await sandbox.report(id, code), 40400);
    });

    it('a wrong code, for good', async () => {
      const { id, code } = await sandbox.started();

      const { body } = await sandbox.report(id, wrong(code)).expect(200);

      expect(body).toMatchObject({ id, status: 'FAIL', reason: 'Invalid code' });
      expectSinchError(await sandbox.report(id, code), 40400);
    });

    it.each([
      ['as long as it was asked to live', '00:02:00', minutes(2)],
      ['for ten minutes otherwise', undefined, minutes(10)],
    ])('a code %s', async (_title, expiry, lifeMs) => {
      const request = expiry === undefined ? {} : { smsOptions: { expiry } };
      const inTime = await sandbox.started(request);
      sandbox.clock.advance(lifeMs - 1);
      expect((await sandbox.report(inTime.id, inTime.code)).body.status).toBe('SUCCESSFUL');

      const late = await sandbox.started(request);
      sandbox.clock.advance(lifeMs);
      const expired = { status: 'FAIL', reason: 'Expired' };
      expect(await sandbox.statusOf(late.id)).toMatchObject(expired);
      expect((await sandbox.report(late.id, late.code).expect(200)).body).toMatchObject(expired);
    });

    it('by number what is open there', async () => {
      const { code } = await sandbox.started();
      const report = () =>
        sandbox.ask('put', `/number/${NUMBER}`, { method: 'sms', sms: { code } });

      expect((await report().expect(200)).body).toMatchObject({ status: 'SUCCESSFUL' });
      expectSinchError(await report(), 40400);
    });

    it('a flash call by who rang', async () => {
      const report = (id: string, cli: string) =>
        sandbox.ask('put', `/id/${id}`, { method: 'flashcall', flashCall: { cli } });
      const right = await sandbox.started({ method: 'flashcall' });
      expect((await report(right.id, right.code)).body).toMatchObject({
        status: 'SUCCESSFUL',
        callComplete: true,
      });

      const { id } = await sandbox.started({ method: 'flashcall' });
      expect((await report(id, NUMBER)).body).toMatchObject({
        status: 'FAIL',
        reason: 'Invalid CLI',
      });
    });

    it('nothing that is malformed, and nothing is lost by it', async () => {
      const { id, code } = await sandbox.started();

      expectSinchError(await sandbox.report(id, 'x'.repeat(11)), 40001);
      expectSinchError(await sandbox.report(id, '12 34'), 40001);
      expectSinchError(await sandbox.report(id, code, 'callout'), 40001);
      expectSinchError(await sandbox.ask('put', `/id/${id}`, { method: 'sms' }), 40001);
      expectSinchError(await sandbox.report('none', code), 40400);
      expect((await sandbox.report(id, code)).body).toMatchObject({ status: 'SUCCESSFUL' });
    });
  });

  describe('tells the status', () => {
    it('by id, by number and by reference', async () => {
      const reference = 'signup'.padEnd(1_024, '.');
      const { id } = await sandbox.started({ reference });
      const time = new Date(sandbox.clock.now()).toISOString().slice(0, -1);
      const pending = {
        id,
        method: 'sms',
        status: 'PENDING',
        reference,
        source: 'manual',
        identity: identityOf(NUMBER),
        countryId: 'CH',
        verificationTimestamp: `${time}0000`,
      };

      for (const path of [`/id/${id}`, `/sms/number/${NUMBER}`, `/reference/${reference}`])
        await sandbox.ask('get', path).expect(200, pending);
      expectSinchError(await sandbox.ask('get', `/callout/number/${NUMBER}`), 40400);
      expectSinchError(await sandbox.ask('get', `/pigeon/number/${NUMBER}`), 40001);
      expectSinchError(await sandbox.ask('get', '/reference/other'), 40400);
      expectSinchError(await sandbox.ask('get', `/reference/${'a'.repeat(8_000)}`), 40400);
    });

    it('with the price, once it is known', async () => {
      const { id, code } = await sandbox.started({ method: 'callout' });
      expect(await sandbox.statusOf(id)).not.toHaveProperty('price');

      await sandbox.report(id, code, 'callout');

      expect(await sandbox.statusOf(id)).toMatchObject({
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

    it('by number for an hour', async () => {
      await sandbox.started();
      sandbox.clock.advance(hours(1) - 1);
      await sandbox.ask('get', `/sms/number/${NUMBER}`).expect(200);
      sandbox.clock.advance(1);

      expectSinchError(await sandbox.ask('get', `/sms/number/${NUMBER}`), 40400);
    });
  });

  it('verifies by data who follows the target, once', async () => {
    const { body } = await sandbox.start({ method: 'seamless' }).expect(200);
    expect(body._links).toHaveLength(1);
    expect(await sandbox.inbox()).toEqual([]);

    expect((await fetch(body.seamless.targetUri)).status).toBe(204);
    expect((await fetch(body.seamless.targetUri)).status).toBe(404);
    expect(await sandbox.statusOf(body.id)).toMatchObject({ status: 'SUCCESSFUL' });
    const { id } = await sandbox.started();
    expect((await fetch(`${sandbox.url}/verification/v1/data/${id}`)).status).toBe(404);
  });

  describe('fails as it is told', () => {
    const plan = (fault: object) =>
      sandbox.control('put', 'faults', { provider: 'sinch', ...fault }).expect(200);

    it.each([
      ['bad-request', 40003],
      ['unauthorized', 40102],
      ['forbidden', 40303],
      ['not-found', 40400],
      ['throttled', 42900],
      ['server-error', 50000],
      ['unavailable', 50300],
    ])('by %s, in its own words', async (kind, code) => {
      const { id } = await sandbox.started();
      for (const operation of ['send', 'verify', 'status']) await plan({ operation, kind });

      const refused = await sandbox.start();
      expectSinchError(refused, code);
      expect(refused.headers['retry-after']).toBe(kind === 'throttled' ? '3' : undefined);
      expectSinchError(await sandbox.report(id, '0000'), code);
      expectSinchError(await sandbox.ask('get', `/id/${id}`), code);
      expect(await sandbox.inbox()).toHaveLength(1);
      expect(await sandbox.statusOf(id)).toMatchObject({ status: 'PENDING' });
    });

    it.each([
      ['not-sent', { status: 'DENIED', reason: 'Destination denied' }],
      ['unreachable', { status: 'ERROR', reason: 'Network error or number unreachable' }],
    ])('by %s, in a 200 that says so, and aborts nothing', async (kind, ended) => {
      const open = await sandbox.started();
      await plan({ operation: 'send', kind });

      const { body } = await sandbox.start().expect(200);

      expect(body).toMatchObject(ended);
      expect(await sandbox.statusOf(body.id)).toMatchObject(ended);
      expectSinchError(await sandbox.report(body.id, '0000'), 40400);
      expect(await sandbox.inbox()).toHaveLength(1);
      expect((await sandbox.report(open.id, open.code)).body.status).toBe('SUCCESSFUL');
    });

    it('by no-credit, expired, exhausted and wrong-msisdn', async () => {
      await plan({ operation: 'send', kind: 'no-credit' });
      expectSinchError(await sandbox.start(), 40200);

      await plan({ operation: 'send', kind: 'expired' });
      const late = await sandbox.started();
      expect((await sandbox.report(late.id, late.code)).body).toMatchObject({ reason: 'Expired' });

      const judged = async (kind: string) => {
        const { id, code } = await sandbox.started();
        await plan({ operation: 'verify', kind });
        return (await sandbox.report(id, code).expect(200)).body;
      };
      expect(await judged('expired')).toMatchObject({ status: 'FAIL', reason: 'Expired' });
      expect(await judged('exhausted')).toMatchObject({ status: 'FAIL', reason: 'Invalid code' });
      expect(await judged('wrong-msisdn')).toMatchObject({
        status: 'SUCCESSFUL',
        identity: identityOf('+41793026728'),
      });
    });

    it('where the answer alone is lost, the text is out', async () => {
      await plan({ operation: 'send', kind: 'drop', performed: true });

      await expect(sandbox.start()).rejects.toThrow(/hang up|ECONNRESET/);

      expect(await sandbox.inbox()).toHaveLength(1);
    });

    it('for one provider and not the other, or for whoever comes first', async () => {
      const fault = { operation: 'send', kind: 'server-error' };
      await plan(fault);
      await sandbox.send('41793026727').expect(200);
      await sandbox.start().expect(500);

      await plan({ ...fault, provider: 'infobip' });
      await sandbox.start().expect(200);
      await sandbox.send('41793026727').expect(500);

      await sandbox.control('put', 'faults', fault).expect(200);
      await sandbox.start().expect(500);
      await sandbox.send('41793026727').expect(200);
      await sandbox.open.get('/sandbox/faults').expect(200, []);
    });

    it.each(['resend', 'configuration'])('but knows no %s', async (operation) => {
      const fault = { provider: 'sinch', operation, kind: 'hang' };

      await sandbox.control('put', 'faults', fault).expect(400, /provider/);
    });

    it('for magic numbers of the first half, while those of the second find it well', async () => {
      const start = (endpoint: string) => sandbox.start({ identity: identityOf(endpoint) });

      expectSinchError(await start('+12145550100'), 50000);
      expectSinchError(await start('+12085550149'), 42900);
      await start('+12145550150').expect(200);
      const { id, code } = await sandbox.started({ identity: identityOf('+12525550100') });
      expectSinchError(await sandbox.report(id, code), 50000);
    });

    it('slowly, by the clock on the wall', async () => {
      await plan({ operation: 'send', kind: 'slow', delayMs: 120 });
      const asked = performance.now();

      await sandbox.start().expect(200);

      expect(performance.now() - asked).toBeGreaterThan(110);
    });
  });
});
