import { hours } from '../../src/common/durations.js';
import {
  expectRefusal,
  FURNISHED,
  startTestSandbox,
  TO,
  type TestSandbox,
} from '../support/sandbox.js';

describe('The controls of the sandbox', () => {
  let sandbox: TestSandbox;

  beforeEach(async () => {
    sandbox = await startTestSandbox();
  });

  afterEach(() => sandbox.close());

  const plan = (fault: object) => sandbox.control('put', 'faults', fault);

  it('plan a fault for the next calls of one operation, and of no other', async () => {
    await plan({ operation: 'send', kind: 'server-error', times: 2 }).expect(200);
    await sandbox.http.get('/2fa/2/applications').expect(200);

    expectRefusal(await sandbox.send(TO), 500, 'GENERAL_ERROR');
    const call = sandbox.http.post('/2fa/2/pin/voice').send({ ...FURNISHED, to: TO });
    expectRefusal(await call, 500, 'GENERAL_ERROR');
    await sandbox.send(TO).expect(200);
    expect(await sandbox.inbox()).toHaveLength(1);
  });

  it('plan faults for each operation', async () => {
    const { pinId } = (await sandbox.send(TO)).body;
    const fail = (operation: string) => plan({ operation, kind: 'unavailable' }).expect(200);
    const application = '/2fa/2/applications/sandbox-application';

    await fail('resend');
    await sandbox.http.post(`/2fa/2/pin/${pinId}/resend`).send({}).expect(503);
    await fail('verify');
    await sandbox.verify(pinId, 'x').expect(503);
    await fail('status');
    await sandbox.http.get(`${application}/verifications?msisdn=${TO}`).expect(503);
    await fail('configuration');
    await sandbox.http.get(application).expect(503);
    await sandbox.open.get('/sandbox/faults').expect(200, []);
  });

  it('spoil the answer of a call that did its work', async () => {
    await plan({ operation: 'send', kind: 'garbage', performed: true });

    await sandbox.send(TO).expect(200, /^<html>/);

    expect(await sandbox.inbox()).toHaveLength(1);
  });

  it('delay an answer as long as they say', async () => {
    await plan({ operation: 'send', kind: 'slow', delayMs: 120 });
    const started = performance.now();

    await sandbox.send(TO).expect(200);

    expect(performance.now() - started).toBeGreaterThan(110);
  });

  it('take a planned fault back', async () => {
    const fault = { operation: 'send', kind: 'hang', times: 5 };
    await plan(fault);
    await sandbox.open.get('/sandbox/faults').expect(200, [fault]);
    await sandbox.control('delete', 'faults').expect(204);

    await sandbox.send(TO).expect(200);
  });

  it('move the clock, which runs on from there, and put it back', async () => {
    const start = sandbox.clock.now();
    const iso = (ms: number) => ({ now: new Date(ms).toISOString() });
    const { pinId } = (await sandbox.send(TO)).body;

    await sandbox
      .control('put', 'clock', { advanceMs: hours(1) })
      .expect(200, iso(start + hours(1)));
    await sandbox.verify(pinId, 'x').expect(200, /TTL_EXPIRED/);
    await sandbox.control('put', 'clock', { now: '2031-05-06T07:08:09Z' }).expect(200);
    sandbox.clock.advance(1_000);
    await sandbox.open.get('/sandbox/clock').expect(200, { now: '2031-05-06T07:08:10.000Z' });
    await sandbox.control('put', 'clock', { now: 0 }).expect(200, iso(0));
    await sandbox.control('delete', 'clock').expect(200, iso(start + 1_000));
  });

  it('move the clock no further than dates can be written, however often', async () => {
    await sandbox.control('put', 'clock', { now: '9998-12-31' }).expect(200);
    await sandbox.control('put', 'clock', { advanceMs: hours(24) }).expect(200);

    await sandbox.control('put', 'clock', { advanceMs: 1 }).expect(400, /"advanceMs"/);
    await sandbox.open.get('/sandbox/clock').expect(200, { now: '9999-01-01T00:00:00.000Z' });
  });

  it('fix the pin of an address until it is freed', async () => {
    await sandbox.control('put', 'pins', { to: `+${TO}`, pin: '123456' }).expect(200);
    const { pinId } = (await sandbox.send(TO)).body;
    await sandbox.verify(pinId, '123456').expect(200, /"verified":true/);
    await sandbox.send('41793026728');
    await sandbox.control('delete', `pins?to=${TO}`).expect(204);
    await sandbox.send(TO);

    const pins = (await sandbox.inbox()).map(({ pin }) => pin);
    expect(pins.map((pin) => pin === '123456')).toEqual([false, false, true]);
  });

  it('empty the phones', async () => {
    await sandbox.send(TO);
    await sandbox.control('delete', 'messages').expect(204);

    expect(await sandbox.inbox()).toEqual([]);
    expect(await sandbox.inbox(TO)).toEqual([]);
  });

  it.each([
    ['faults', { kind: 'hang' }, 'operation'],
    ['faults', { operation: 'call', kind: 'hang' }, 'operation'],
    ['faults', { operation: 'send', kind: 'wrong-msisdn' }, 'kind'],
    ['faults', { operation: 'verify', kind: 'not-sent' }, 'kind'],
    ['faults', { operation: 'send', kind: 'hang', times: 0 }, 'times'],
    ['faults', { operation: 'send', kind: 'slow', delay: 5 }, 'delay'],
    ['clock', {}, ''],
    ['clock', { advanceMs: 1, now: 2 }, ''],
    ['clock', { advanceMs: -1 }, 'advanceMs'],
    ['clock', { advanceMs: 9e15 }, 'advanceMs'],
    ['clock', { now: 'yesterday' }, 'now'],
    ['clock', { now: '+010000-01-01' }, 'now'],
    ['pins', { to: TO }, 'pin'],
    ['pins', { to: '+', pin: '1' }, 'to'],
    ['pins', { to: TO, pin: '1 2' }, 'pin'],
    ['settings', { errorShape: 'new' }, 'errorShape'],
  ])('refuse %s of %j and name the field', async (path, body, field) => {
    const answer = await sandbox.control('put', path, body).expect(400);

    expect(answer.body).toEqual({
      error: expect.any(String),
      fields: { [field]: [expect.any(String)] },
    });
  });

  it('refuse two addresses at once', async () => {
    for (const path of ['messages', 'messages/stream'])
      await sandbox.open.get(`/sandbox/${path}?to=1&to=2`).expect(400, /"to"/);
  });

  it('refuse a body that is no JSON', async () => {
    const answer = await sandbox.open.put('/sandbox/clock').type('json').send('{');

    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({ error: expect.any(String) });
  });

  it('let a page from anywhere read, and only read', async () => {
    const header = 'access-control-allow-origin';
    const get = await sandbox.open.get('/sandbox/messages');
    const put = await sandbox.control('put', 'clock', { advanceMs: 1 });
    const vendor = await sandbox.http.get('/2fa/2/applications');

    expect(get.headers[header]).toBe('*');
    expect(put.headers).not.toHaveProperty(header);
    expect(vendor.headers).not.toHaveProperty(header);
  });
});

describe('The phones of the sandbox', () => {
  let sandbox: TestSandbox;

  beforeEach(async () => {
    sandbox = await startTestSandbox();
  });

  afterEach(() => sandbox.close());

  it('list texts newest first, of one phone or of all', async () => {
    await sandbox.send(TO);
    await sandbox.send('41793026728');
    const { body } = await sandbox.send(TO);

    const all = await sandbox.inbox();
    expect(all.map(({ to }) => to)).toEqual([TO, '41793026728', TO]);
    expect(all[0]?.pinId).toBe(body.pinId);
    expect(await sandbox.inbox('+41 79 302 60 27')).toEqual([]);
    expect(await sandbox.inbox('+41 79 302 67 27')).toHaveLength(2);
  });
});
