import { hours, minutes } from '../../src/common/durations.js';
import { PHONE_NUMBER, startTestSandbox, type TestSandbox } from '../support/sandbox.js';

describe('The flood filter of the sandbox', () => {
  let sandbox: TestSandbox;

  beforeEach(async () => {
    sandbox = await startTestSandbox();
  });

  afterEach(() => sandbox.close());

  const resend = (pinId: string, path = '') =>
    sandbox.http.post(`/2fa/2/pin/${pinId}/resend${path}`).send({});
  const countMessages = async () => (await sandbox.listMessages(PHONE_NUMBER)).length;
  const listErrors = async () => {
    const { body } = await sandbox.anonymousHttp
      .get('/sandbox/rejected-messages')
      .query({ to: PHONE_NUMBER });
    return (body as { error: string }[]).map(({ error }) => error);
  };

  it('drops the seventh identical SMS to a number within an hour, and answers as if it were sent', async () => {
    const { body: sent } = await sandbox.send(PHONE_NUMBER);
    for (let i = 0; i < 5; i += 1) await resend(sent.pinId).expect(200);
    expect(await countMessages()).toBe(6);
    expect(await listErrors()).toEqual([]);

    const dropped = await resend(sent.pinId).expect(200);

    expect(dropped.body).toEqual({
      pinId: sent.pinId,
      to: PHONE_NUMBER,
      smsStatus: 'MESSAGE_SENT',
      ncStatus: expect.any(String),
    });
    expect(await countMessages()).toBe(6);
    expect(await listErrors()).toEqual(['EC_DESTINATION_TXT_FLOODING']);
    await sandbox.send(PHONE_NUMBER).expect(200);
    expect(await countMessages()).toBe(7);
  });

  it('drops the 21st SMS to a number within an hour, with any text', async () => {
    for (let i = 0; i < 21; i += 1) await sandbox.send(PHONE_NUMBER).expect(200);

    expect(await countMessages()).toBe(20);
    expect(await listErrors()).toEqual(['EC_DESTINATION_FLOODING']);
    await sandbox.send('41793026728').expect(200);
    expect(await sandbox.listMessages('41793026728')).toHaveLength(1);
  });

  it('counts dropped messages, too', async () => {
    for (let i = 0; i < 20; i += 1) await sandbox.send(PHONE_NUMBER);
    sandbox.clock.advance(minutes(30));
    for (let i = 0; i < 20; i += 1) await sandbox.send(PHONE_NUMBER);
    sandbox.clock.advance(minutes(30));

    await sandbox.send(PHONE_NUMBER);
    expect(await countMessages()).toBe(20);
    sandbox.clock.advance(hours(1));
    await sandbox.send(PHONE_NUMBER);
    expect(await countMessages()).toBe(21);
  });

  it('forgets later messages when the clock is set back', async () => {
    const { body } = await sandbox.send(PHONE_NUMBER);
    await sandbox.callControl('put', 'clock', { advanceMs: minutes(30) }).expect(200);
    for (let i = 0; i < 5; i += 1) await resend(body.pinId).expect(200);
    await sandbox.callControl('delete', 'clock');

    await resend(body.pinId).expect(200);

    expect(await countMessages()).toBe(7);
    expect(await listErrors()).toEqual([]);
  });

  it('counts no calls and drops none', async () => {
    const { body } = await sandbox.send(PHONE_NUMBER);
    for (let i = 0; i < 10; i += 1) await resend(body.pinId, '/voice').expect(200);

    for (let i = 0; i < 5; i += 1) await resend(body.pinId).expect(200);
    expect(await countMessages()).toBe(16);
  });

  it('can be switched off', async () => {
    await sandbox.close();
    sandbox = await startTestSandbox({ hasFloodFilter: false });

    for (let i = 0; i < 21; i += 1) await sandbox.send(PHONE_NUMBER);
    expect(await countMessages()).toBe(21);
    expect(await listErrors()).toEqual([]);
  });
});
