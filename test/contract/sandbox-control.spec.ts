import { hours } from '../../src/common/durations.js';
import {
  expectInfobipError,
  DEFAULT_IDS,
  startTestSandbox,
  PHONE_NUMBER,
  type TestSandbox,
} from '../support/sandbox.js';

describe('The control routes of the sandbox', () => {
  let sandbox: TestSandbox;

  beforeEach(async () => {
    sandbox = await startTestSandbox();
  });

  afterEach(() => sandbox.close());

  const planFault = (fault: object) => sandbox.callControl('put', 'faults', fault);

  it('make the next calls of one operation fail, and no others', async () => {
    await planFault({ operation: 'send', kind: 'server-error', times: 2 }).expect(200);
    await sandbox.http.get('/2fa/2/applications').expect(200);

    expectInfobipError(await sandbox.send(PHONE_NUMBER), 500, 'GENERAL_ERROR');
    const call = sandbox.http.post('/2fa/2/pin/voice').send({ ...DEFAULT_IDS, to: PHONE_NUMBER });
    expectInfobipError(await call, 500, 'GENERAL_ERROR');
    await sandbox.send(PHONE_NUMBER).expect(200);
    expect(await sandbox.listMessages()).toHaveLength(1);
  });

  it('make calls of each operation fail', async () => {
    const { pinId } = (await sandbox.send(PHONE_NUMBER)).body;
    const failNext = (operation: string) =>
      planFault({ operation, kind: 'unavailable' }).expect(200);
    const application = '/2fa/2/applications/sandbox-application';

    await failNext('resend');
    await sandbox.http.post(`/2fa/2/pin/${pinId}/resend`).send({}).expect(503);
    await failNext('verify');
    await sandbox.verify(pinId, 'x').expect(503);
    await failNext('status');
    await sandbox.http.get(`${application}/verifications?msisdn=${PHONE_NUMBER}`).expect(503);
    await failNext('configuration');
    await sandbox.http.get(application).expect(503);
    await sandbox.anonymousHttp.get('/sandbox/faults').expect(200, []);
  });

  it('make reading the status fail for one recipient, and for no other', async () => {
    const readStatus = (msisdn: string) =>
      sandbox.http.get('/2fa/2/applications/sandbox-application/verifications').query({ msisdn });
    await planFault({ operation: 'status', kind: 'unavailable', to: `+${PHONE_NUMBER}` }).expect(
      200,
    );

    await readStatus('41793026728').expect(200);
    await readStatus(PHONE_NUMBER).expect(503);
    await sandbox.anonymousHttp.get('/sandbox/faults').expect(200, []);
    await readStatus(PHONE_NUMBER).expect(200);
  });

  it('break only the response of a call when `performed` is true', async () => {
    await planFault({ operation: 'send', kind: 'garbage', performed: true });

    await sandbox.send(PHONE_NUMBER).expect(200, /^<html>/);

    expect(await sandbox.listMessages()).toHaveLength(1);
  });

  it('delay a response by `delayMs`', async () => {
    await planFault({ operation: 'send', kind: 'slow', delayMs: 120 });
    const startedAt = performance.now();

    await sandbox.send(PHONE_NUMBER).expect(200);

    expect(performance.now() - startedAt).toBeGreaterThan(110);
  });

  it('list and delete planned faults', async () => {
    const fault = { operation: 'send', kind: 'hang', times: 5 };
    await planFault(fault);
    await sandbox.anonymousHttp.get('/sandbox/faults').expect(200, [fault]);
    await sandbox.callControl('delete', 'faults').expect(204);

    await sandbox.send(PHONE_NUMBER).expect(200);
  });

  it('move the clock, which then keeps running, and reset it', async () => {
    const startTime = sandbox.clock.now();
    const toBody = (ms: number) => ({ now: new Date(ms).toISOString() });
    const { pinId } = (await sandbox.send(PHONE_NUMBER)).body;

    await sandbox
      .callControl('put', 'clock', { advanceMs: hours(1) })
      .expect(200, toBody(startTime + hours(1)));
    await sandbox.verify(pinId, 'x').expect(200, /TTL_EXPIRED/);
    await sandbox.callControl('put', 'clock', { now: '2031-05-06T07:08:09Z' }).expect(200);
    sandbox.clock.advance(1_000);
    await sandbox.anonymousHttp
      .get('/sandbox/clock')
      .expect(200, { now: '2031-05-06T07:08:10.000Z' });
    await sandbox.callControl('put', 'clock', { now: 0 }).expect(200, toBody(0));
    await sandbox.callControl('delete', 'clock').expect(200, toBody(startTime + 1_000));
  });

  it('reject moving the clock past the year 9998, even in several steps', async () => {
    await sandbox.callControl('put', 'clock', { now: '9998-12-31' }).expect(200);
    await sandbox.callControl('put', 'clock', { advanceMs: hours(24) }).expect(200);

    await sandbox.callControl('put', 'clock', { advanceMs: 1 }).expect(400, /"advanceMs"/);
    await sandbox.anonymousHttp
      .get('/sandbox/clock')
      .expect(200, { now: '9999-01-01T00:00:00.000Z' });
  });

  it('fix the PIN of a number until the fixed PIN is deleted', async () => {
    await sandbox.callControl('put', 'pins', { to: `+${PHONE_NUMBER}`, pin: '123456' }).expect(200);
    const { pinId } = (await sandbox.send(PHONE_NUMBER)).body;
    await sandbox.verify(pinId, '123456').expect(200, /"verified":true/);
    await sandbox.send('41793026728');
    await sandbox.callControl('delete', `pins?to=${PHONE_NUMBER}`).expect(204);
    await sandbox.send(PHONE_NUMBER);

    const pins = (await sandbox.listMessages()).map(({ pin }) => pin);
    expect(pins.map((pin) => pin === '123456')).toEqual([false, false, true]);
  });

  it('delete all messages', async () => {
    await sandbox.send(PHONE_NUMBER);
    await sandbox.callControl('delete', 'messages').expect(204);

    expect(await sandbox.listMessages()).toEqual([]);
    expect(await sandbox.listMessages(PHONE_NUMBER)).toEqual([]);
  });

  it.each([
    ['faults', { kind: 'hang' }, 'operation'],
    ['faults', { operation: 'call', kind: 'hang' }, 'operation'],
    ['faults', { operation: 'send', kind: 'wrong-msisdn' }, 'kind'],
    ['faults', { operation: 'verify', kind: 'not-sent' }, 'kind'],
    ['faults', { operation: 'send', kind: 'hang', times: 0 }, 'times'],
    ['faults', { operation: 'send', kind: 'slow', delay: 5 }, 'delay'],
    ['faults', { operation: 'configuration', kind: 'hang', to: PHONE_NUMBER }, 'to'],
    ['clock', {}, ''],
    ['clock', { advanceMs: 1, now: 2 }, ''],
    ['clock', { advanceMs: -1 }, 'advanceMs'],
    ['clock', { advanceMs: 9e15 }, 'advanceMs'],
    ['clock', { now: 'yesterday' }, 'now'],
    ['clock', { now: '+010000-01-01' }, 'now'],
    ['pins', { to: PHONE_NUMBER }, 'pin'],
    ['pins', { to: '+', pin: '1' }, 'to'],
    ['pins', { to: PHONE_NUMBER, pin: '1 2' }, 'pin'],
    ['settings', { errorShape: 'new' }, 'errorShape'],
  ])(
    'reject an invalid body of PUT /sandbox/%s and name the field: %j',
    async (path, body, field) => {
      const response = await sandbox.callControl('put', path, body).expect(400);

      expect(response.body).toEqual({
        error: expect.any(String),
        fields: { [field]: [expect.any(String)] },
      });
    },
  );

  it('reject a query with two values of `to`', async () => {
    for (const path of ['messages', 'messages/stream'])
      await sandbox.anonymousHttp.get(`/sandbox/${path}?to=1&to=2`).expect(400, /"to"/);
  });

  it('reject a body that is not JSON', async () => {
    const response = await sandbox.anonymousHttp.put('/sandbox/clock').type('json').send('{');

    expect(response.status).toBe(400);
    expect(response.body).toEqual({ error: expect.any(String) });
  });

  it('allow web pages of any origin to read, but not to change anything', async () => {
    const header = 'access-control-allow-origin';
    const get = await sandbox.anonymousHttp.get('/sandbox/messages');
    const put = await sandbox.callControl('put', 'clock', { advanceMs: 1 });
    const providerCall = await sandbox.http.get('/2fa/2/applications');

    expect(get.headers[header]).toBe('*');
    expect(put.headers).not.toHaveProperty(header);
    expect(providerCall.headers).not.toHaveProperty(header);
  });
});

describe('The messages of the sandbox', () => {
  let sandbox: TestSandbox;

  beforeEach(async () => {
    sandbox = await startTestSandbox();
  });

  afterEach(() => sandbox.close());

  it('are listed newest first, for one phone number or for all', async () => {
    await sandbox.send(PHONE_NUMBER);
    await sandbox.send('41793026728');
    const { body } = await sandbox.send(PHONE_NUMBER);

    const all = await sandbox.listMessages();
    expect(all.map(({ to }) => to)).toEqual([PHONE_NUMBER, '41793026728', PHONE_NUMBER]);
    expect(all[0]?.pinId).toBe(body.pinId);
    expect(await sandbox.listMessages('+41 79 302 60 27')).toEqual([]);
    expect(await sandbox.listMessages('+41 79 302 67 27')).toHaveLength(2);
  });
});
