import supertest, { type Agent, type Response } from 'supertest';
import { minutes } from '../../src/common/durations.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { wrong } from '../support/codes.js';
import { FakeClock } from '../support/fake-clock.js';

const TO = '41793026727';
const ids = /^[0-9A-F]{32}$/;
function expectRefusal({ status, body }: Response, expected: number, messageId: string): void {
  expect(status).toBe(expected);
  expect(body).toEqual({
    requestError: { serviceException: expect.objectContaining({ messageId }) },
  });
}

describe('The sandbox, as Infobip 2FA', () => {
  let sandbox: Sandbox;
  let clock: FakeClock;
  let http: Agent;

  beforeEach(async () => {
    clock = new FakeClock();
    sandbox = await startSandbox({ port: 0, now: () => clock.now() });
    http = supertest.agent(sandbox.url).set('authorization', 'App any');
  });

  afterEach(() => sandbox.close());

  async function createApplication(configuration: object = {}): Promise<string> {
    const response = await http.post('/2fa/2/applications').send({ name: 'a', configuration });
    return response.body.applicationId;
  }

  async function createTemplate(applicationId: string, template: object = {}): Promise<string> {
    const response = await http
      .post(`/2fa/2/applications/${applicationId}/messages`)
      .send({ messageText: '{{pin}} for {{who}}', pinType: 'NUMERIC', ...template });
    return response.body.messageId;
  }

  async function sendPin(configuration: object = {}) {
    const applicationId = await createApplication(configuration);
    const messageId = await createTemplate(applicationId);
    const { body } = await http.post('/2fa/2/pin').send({ applicationId, messageId, to: TO });
    const [message] = (await supertest(sandbox.url).get(`/sandbox/messages?to=${TO}`)).body;
    return { pinId: body.pinId as string, pin: message.pin as string };
  }

  const verify = (pinId: string, pin: string) =>
    http.post(`/2fa/2/pin/${pinId}/verify`).send({ pin });

  it('creates an application with 201 and every default, and reads it back', async () => {
    const { body } = await http.post('/2fa/2/applications').send({ name: 'shop' }).expect(201);

    expect(body).toEqual({
      applicationId: expect.stringMatching(ids),
      name: 'shop',
      enabled: true,
      configuration: {
        pinAttempts: 10,
        allowMultiplePinVerifications: true,
        pinTimeToLive: '15m',
        verifyPinLimit: '1/3s',
        sendPinPerApplicationLimit: '10000/1d',
        sendPinPerPhoneNumberLimit: '3/1d',
      },
    });
    await http.get(`/2fa/2/applications/${body.applicationId}`).expect(200, body);
    expect((await http.get('/2fa/2/applications')).body).toContainEqual(body);
  });

  it.each([
    ['no name', {}],
    ['a duration with a fraction', { name: 'a', configuration: { pinTimeToLive: '1.5m' } }],
    ['a duration of nothing', { name: 'a', configuration: { pinTimeToLive: '0m' } }],
    ['a limit without attempts', { name: 'a', configuration: { verifyPinLimit: '/3s' } }],
  ])('refuses an application with %s', async (_what, body) => {
    expectRefusal(await http.post('/2fa/2/applications').send(body), 400, 'BAD_REQUEST');
  });

  it('creates a template with 200, and reads it back', async () => {
    const applicationId = await createApplication();
    const path = `/2fa/2/applications/${applicationId}/messages`;
    const template = { messageText: 'x {{pin}}', pinType: 'HEX', pinLength: 8, senderId: 'Shop' };

    const { body } = await http.post(path).send(template).expect(200);

    const kept = { ...template, applicationId, messageId: body.messageId };
    expect(body).toEqual({ ...kept, pinPlaceholder: '{{pin}}' });
    await http.get(`${path}/${body.messageId}`).expect(200, kept);
    await http.get(path).expect(200, [kept]);
  });

  it('refuses a template whose text has no place for the pin', async () => {
    const applicationId = await createApplication();

    const response = await http
      .post(`/2fa/2/applications/${applicationId}/messages`)
      .send({ messageText: 'hello', pinType: 'NUMERIC' });

    expectRefusal(response, 400, 'BAD_REQUEST');
    expect(Object.keys(response.body.requestError.serviceException.validationErrors)).toEqual([
      'messageText',
    ]);
  });

  it.each([
    ['NUMERIC', 6, /^\d{6}$/],
    ['ALPHA', 5, /^[A-Z]{5}$/],
    ['HEX', 8, /^[0-9A-F]{8}$/],
    ['ALPHANUMERIC', 4, /^[0-9A-Z]{4}$/],
  ])('makes a pin of type %s and length %d and texts it', async (pinType, pinLength, form) => {
    const applicationId = await createApplication();
    const messageId = await createTemplate(applicationId, { pinType, pinLength, senderId: 'Shop' });

    const { body } = await http
      .post('/2fa/2/pin?ncNeeded=true')
      .send({ applicationId, messageId, to: TO, placeholders: { who: 'Ann' } })
      .expect(200);

    expect(body).toEqual({
      pinId: expect.stringMatching(ids),
      to: TO,
      ncStatus: 'NC_DESTINATION_REACHABLE',
      smsStatus: 'MESSAGE_SENT',
    });
    const inbox = (await supertest(sandbox.url).get('/sandbox/messages?to=%2B41793026727')).body;
    expect(inbox).toEqual([
      {
        to: TO,
        from: 'Shop',
        channel: 'sms',
        text: `${inbox[0].pin} for Ann`,
        pin: expect.stringMatching(form),
        pinId: body.pinId,
        sentAt: new Date(clock.now()).toISOString(),
      },
    ]);
  });

  it('calls, and says so', async () => {
    const applicationId = await createApplication();
    const messageId = await createTemplate(applicationId);

    const { body } = await http.post('/2fa/2/pin/voice').send({ applicationId, messageId, to: TO });

    expect(body).toEqual({
      pinId: expect.stringMatching(ids),
      to: TO,
      callStatus: 'PENDING_ACCEPTED',
    });
    const [message] = (await supertest(sandbox.url).get('/sandbox/messages')).body;
    expect(message).toMatchObject({ channel: 'voice', pinId: body.pinId });
  });

  it.each([
    ['resend', 'sms', { ncStatus: 'NC_DESTINATION_REACHABLE', smsStatus: 'MESSAGE_SENT' }],
    ['resend/voice', 'voice', { callStatus: 'PENDING_ACCEPTED' }],
  ])('with %s delivers the same pin again', async (path, channel, status) => {
    const { pinId, pin } = await sendPin();

    const response = await http.post(`/2fa/2/pin/${pinId}/${path}`).send({});

    expect(response.body).toEqual({ pinId, to: TO, ...status });
    const inbox = (await supertest(sandbox.url).get(`/sandbox/messages?to=${TO}`)).body;
    expect(inbox).toHaveLength(2);
    expect(inbox[0]).toMatchObject({ channel, pin, pinId });
    expectRefusal(await http.post(`/2fa/2/pin/none/${path}`), 404, 'NOT_FOUND');
  });

  it('lists texts newest first, of one phone or of all', async () => {
    const send = (to: string) =>
      http
        .post('/2fa/2/pin')
        .send({ applicationId: 'sandbox-application', messageId: 'sandbox-message', to });
    await send(TO);
    await send('14155552671');
    const { body } = await send(TO);

    const all = (await supertest(sandbox.url).get('/sandbox/messages')).body;
    expect(all.map(({ to }: { to: string }) => to)).toEqual([TO, '14155552671', TO]);
    expect(all[0].pinId).toBe(body.pinId);
    expect((await supertest(sandbox.url).get(`/sandbox/messages?to=${TO}`)).body).toHaveLength(2);
  });

  it.each([
    ['an unknown application', { applicationId: 'none' }, 404, 'NOT_FOUND'],
    ['an unknown template', { messageId: 'none' }, 404, 'NOT_FOUND'],
    ['a plus', { to: `+${TO}` }, 400, 'BAD_REQUEST'],
    ['no number', { to: undefined }, 400, 'BAD_REQUEST'],
    ['a placeholder named pin', { placeholders: { pin: '1' } }, 400, 'BAD_REQUEST'],
  ])('sends nothing for %s', async (_what, change, status, word) => {
    const applicationId = await createApplication();
    const messageId = await createTemplate(applicationId);

    const response = await http
      .post('/2fa/2/pin')
      .send({ applicationId, messageId, to: TO, ...change });

    expectRefusal(response, status, word);
    await supertest(sandbox.url).get('/sandbox/messages').expect(200, []);
  });

  it('verifies with 200, answers a wrong pin with 200 too, and counts down', async () => {
    const { pinId, pin } = await sendPin({ pinAttempts: 2 });
    const judged = { pinId, msisdn: TO, verified: false };

    await verify(pinId, wrong(pin)).expect(200, {
      ...judged,
      attemptsRemaining: 1,
      pinError: 'WRONG_PIN',
    });
    await verify(pinId, pin).expect(200, { ...judged, verified: true, attemptsRemaining: 0 });
  });

  it('refuses the right pin once the attempts are used up', async () => {
    const { pinId, pin } = await sendPin({ pinAttempts: 1 });
    await verify(pinId, wrong(pin));

    const { body } = await verify(pinId, pin).expect(200);

    expect(body).toMatchObject({ verified: false, pinError: 'NO_MORE_PIN_ATTEMPTS' });
  });

  it('refuses the right pin after its time to live', async () => {
    const { pinId, pin } = await sendPin({ pinTimeToLive: '2m' });
    clock.advance(minutes(2));

    const { body } = await verify(pinId, pin).expect(200);

    expect(body).toMatchObject({ verified: false, pinError: 'TTL_EXPIRED' });
  });

  it.each([
    [true, 200],
    [false, 404],
  ])('with allowMultiplePinVerifications %s answers a used pin with %d', async (allow, status) => {
    const { pinId, pin } = await sendPin({ allowMultiplePinVerifications: allow });
    await verify(pinId, pin);

    await verify(pinId, pin).expect(status);
  });

  it.each([
    ['no credentials', {}],
    ['an unknown scheme', { authorization: 'Digest x' }],
    ['an empty key', { authorization: 'App ' }],
  ])('lets nobody in with %s', async (_what, headers) => {
    const response = await supertest(sandbox.url).get('/2fa/2/applications').set(headers);

    expectRefusal(response, 401, 'UNAUTHORIZED');
  });

  it('knows no pin that it did not make, and no path that Infobip has not', async () => {
    expectRefusal(await verify('none', '1234'), 404, 'NOT_FOUND');
    expectRefusal(await http.get('/2fa/2/nothing'), 404, 'NOT_FOUND');
  });
});
