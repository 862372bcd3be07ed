import { minutes, seconds } from '../../src/common/durations.js';
import { WebhookScheduler } from '../../src/webhooks/webhook-scheduler.js';
import {
  EVENTS_SECRET,
  OLD_EVENTS_SECRET,
  startEventReceiver,
  type EventReceiver,
} from '../support/event-receiver.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { wrongCode } from '../support/wrong-code.js';

const NUMBER = '+14155552671';
const TEST_NUMBER = '+15550001111';
const REFERENCE = 'a-secret-login-attempt';

describe.each(['SQLite', 'PostgreSQL'])('The events of verifications on %s', (engine) => {
  let postgres: PostgresServer | undefined;
  let receiver: EventReceiver;
  let service: SandboxedService;

  beforeAll(async () => {
    if (engine === 'PostgreSQL') postgres = await startPostgres();
  });

  afterAll(async () => postgres?.stop());

  beforeEach(async () => {
    receiver = await startEventReceiver();
    service = await startSandboxedService({
      ...receiver.settings,
      EVENTS_SECRET: `${EVENTS_SECRET},${OLD_EVENTS_SECRET}`,
      TEST_NUMBERS: `${TEST_NUMBER}:123456`,
      ...(postgres && { DATABASE_URL: await postgres.createDatabase() }),
    });
  });

  afterEach(async () => {
    await service.close();
    await receiver.close();
  });

  const post = async (path: string, body: object) =>
    (await service.http.post(path).send(body).expect(200)).body;
  const send = (phoneNumber = NUMBER, fields: object = {}): Promise<{ pinId: string }> =>
    post('/otp/send', { phoneNumber, ...fields });
  const getCode = async () => (await service.getReceivedCodes(NUMBER))[0] ?? '';
  const runEvents = () => service.app.get(WebhookScheduler).runOnce();
  const getTypes = () => receiver.getEvents().map(({ type }) => type);

  it('have the whole history of the verification, and signatures with both secrets', async () => {
    const fields = { reference: REFERENCE, eventReference: 'order-1', endUserIp: '203.0.113.7' };
    const { pinId } = await send(NUMBER, fields);
    service.clock.advance(seconds(30));
    await post('/otp/resend', { pinId, channel: 'voice' });
    const code = await getCode();
    await post('/otp/verify', { pinId, otpCode: wrongCode(code), reference: REFERENCE });
    service.clock.advance(seconds(10));

    await post('/otp/verify', { pinId, otpCode: code, reference: REFERENCE });
    await runEvents();

    const event = {
      type: 'verification.verified',
      timestamp: '2030-01-01T00:00:40.000Z',
      data: {
        pinId,
        client: 'anonymous',
        to: '+1415•••2671',
        country: 'US',
        channel: 'voice',
        provider: 'infobip',
        createdAt: '2030-01-01T00:00:00.000Z',
        expiresAt: '2030-01-01T00:05:00.000Z',
        endedAt: '2030-01-01T00:00:40.000Z',
        sends: 2,
        attempts: 2,
        eventReference: 'order-1',
      },
    };
    expect(receiver.getEvents()).toEqual([event]);
    expect(receiver.verifyAll(service.clock)).toEqual([event]);
    expect(receiver.verifyAll(service.clock, OLD_EVENTS_SECRET)).toEqual([event]);
    const otherSecret = `whsec_${Buffer.alloc(24, 'c').toString('base64')}`;
    expect(() => receiver.verifyAll(service.clock, otherSecret)).toThrow(
      'No matching signature found',
    );
  });

  it('contain no personal data but the masked number, and are not in the log', async () => {
    const { pinId } = await send(NUMBER, { reference: REFERENCE, eventReference: 'order-1' });
    const code = await getCode();
    const [providerPinId = ''] = await service.getProviderPinIds(NUMBER);
    await post('/otp/verify', { pinId, otpCode: code, reference: REFERENCE });
    await runEvents();

    const sent = JSON.stringify(receiver.requests);
    for (const secret of [NUMBER.slice(1), code, REFERENCE, providerPinId]) {
      expect(secret).not.toBe('');
      expect(sent).not.toContain(secret);
    }
    // `tenant=1` is the query of EVENTS_URL.
    for (const secret of [pinId, 'order-1', receiver.url, 'tenant=1', EVENTS_SECRET]) {
      expect(service.log.text).not.toContain(secret);
    }
  });

  it('allow only an eventReference of 1 to 128 characters', async () => {
    for (const eventReference of ['', 'x'.repeat(129), 1]) {
      const { body } = await service.http
        .post('/otp/send')
        .send({ phoneNumber: NUMBER, eventReference })
        .expect(400);
      expect(body.errors).toEqual([
        {
          pointer: '#/eventReference',
          detail: 'Give an eventReference of 1 to 128 characters, or none.',
        },
      ]);
    }
  });

  it('are sent once for a code that expires, within a minute', async () => {
    const { pinId } = await send();
    service.clock.advance(minutes(5) - 1);
    await runEvents();
    expect(getTypes()).toEqual([]);

    service.clock.advance(seconds(55));
    await runEvents();
    await runEvents();

    expect(getTypes()).toEqual(['verification.expired']);
    expect(receiver.getEvents()[0]?.data).toMatchObject({
      endedAt: '2030-01-01T00:05:00.000Z',
      attempts: 0,
    });
    const { body } = await service.http.get(`/otp/${pinId}`).expect(200);
    expect(body.status).toBe('expired');
  });

  it('are sent once for attempts that are used up, though the code expires later', async () => {
    const { pinId } = await send();
    const otpCode = wrongCode(await getCode());
    for (let i = 1; i <= 5; i += 1) {
      expect(getTypes()).toEqual([]);
      await post('/otp/verify', { pinId, otpCode });
      await runEvents();
    }
    service.clock.advance(minutes(6));
    await runEvents();

    expect(getTypes()).toEqual(['verification.exhausted']);
    expect(receiver.getEvents()[0]?.data).toMatchObject({
      endedAt: '2030-01-01T00:00:00.000Z',
      attempts: 5,
    });
  });

  it('are sent once for a verification that is cancelled twice', async () => {
    const { pinId } = await send();
    await service.http.delete(`/otp/${pinId}`).expect(204);
    await service.http.delete(`/otp/${pinId}`).expect(204);
    await runEvents();

    expect(getTypes()).toEqual(['verification.cancelled']);
  });

  it('are sent for a verification that a newer one replaces: cancelled, or expired before', async () => {
    const first = await send();
    service.clock.advance(minutes(1));
    const second = await send();
    service.clock.advance(minutes(5));
    await send();
    await runEvents();

    expect(receiver.getEvents().map(({ type, data }) => [type, data['pinId']])).toEqual(
      expect.arrayContaining([
        ['verification.cancelled', first.pinId],
        ['verification.expired', second.pinId],
      ]),
    );
    expect(receiver.requests).toHaveLength(2);
  });

  it('are sent for a test number, with test: true', async () => {
    const { pinId } = await send(TEST_NUMBER);
    await post('/otp/verify', { pinId, otpCode: '123456' });
    await runEvents();

    expect(receiver.getEvents()[0]?.data).toMatchObject({ pinId, test: true, sends: 0 });
  });

  it('are not sent once their number is erased', async () => {
    receiver.answer((response) => response.destroy());
    const { pinId } = await send();
    await service.http.delete(`/otp/${pinId}`).expect(204);
    await runEvents();
    await service.http.post('/otp/numbers/erase').send({ phoneNumber: NUMBER }).expect(204);
    const postsBefore = receiver.requests.length;

    service.clock.advance(minutes(1));
    await runEvents();

    expect(receiver.requests).toHaveLength(postsBefore);
  });
});
