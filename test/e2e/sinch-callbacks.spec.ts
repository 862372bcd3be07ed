import { minutes, seconds } from '../../src/common/durations.js';
import type { RecordedCall } from '../support/recording-proxy.js';
import {
  NUMBER,
  REPORT_SETTINGS,
  startTrackedService,
  type TrackedService,
} from '../support/tracked-service.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { queryPostgres } from '../support/services/postgres-client.js';

const OTHER_NUMBER = '+14155552672';
const NO_BODY = [200, ''];

let postgres: PostgresServer;
let databaseUrl: string;
let service: TrackedService;

beforeAll(async () => {
  postgres = await startPostgres();
  databaseUrl = await postgres.createDatabase();
  service = await startTrackedService({ DATABASE_URL: databaseUrl, PROVIDERS: 'sinch,infobip' });
});
afterAll(async () => {
  await service.close();
  await postgres.stop();
});

const identityOf = (endpoint: string) => ({ type: 'number', endpoint });
const callBack = async (event: object, signing = {}) => {
  const response = await service.callBackSinch(
    // Of no message: only a question must name the right number.
    { method: 'sms', identity: identityOf(NUMBER), ...event },
    signing,
  );
  return [response.status, await response.text()];
};
const reportSms = (id: string, smsResult: string) =>
  callBack({ id, event: 'VerificationSmsDeliveredEvent', smsResult });
const reportResult = (id: string, status: string, changes: object = {}) =>
  callBack({ id, event: 'VerificationResultEvent', status, ...changes });

/** Asks before the service gets the answer to its next start, as Sinch does. */
function askDuringStart(changes: object = {}): Promise<unknown[]> {
  return new Promise((resolve) => {
    service.proxy.beforeNextAnswer(async ({ request, answer }: RecordedCall) => {
      const { method, identity, reference } = request;
      const question = { id: answer['id'], event: 'VerificationRequestEvent' };
      resolve(await callBack({ ...question, method, identity, reference, ...changes }));
    });
  });
}

const ALLOW = [200, '{"action":"allow"}'];
const DENY = [200, '{"action":"deny"}'];

describe('A message that Sinch sends', () => {
  it('is pending, and then what Sinch reports', async () => {
    const { pinId, messageId } = await service.send();
    expect(await service.getDelivery(pinId)).toEqual({ status: 'pending' });

    expect(await reportSms(messageId, 'Successful')).toEqual(NO_BODY);
    expect(await reportResult(messageId, 'DENIED', { reason: 'Fraud' })).toEqual(NO_BODY);

    const at = new Date(service.clock.now()).toISOString();
    expect(await service.getDelivery(pinId)).toEqual({ status: 'delivered', at });
  });

  it('is delivered if its code was verified, and no result verifies a number', async () => {
    const { pinId, messageId, phoneNumber } = await service.send();

    expect(await reportResult(messageId, 'SUCCESSFUL')).toEqual(NO_BODY);

    const { body } = await service.http.get(`/otp/${pinId}`).expect(200);
    expect(body).toMatchObject({ status: 'pending', delivery: { status: 'delivered' } });
    await service.http.post('/otp/numbers/lookup').send({ phoneNumber }).expect(200, {
      verified: false,
    });
  });

  it('stays pending after a result that says nothing of its delivery', async () => {
    const { pinId, messageId } = await service.send();

    expect(await reportResult(messageId, 'FAIL', { reason: 'Invalid code' })).toEqual(NO_BODY);
    expect(await callBack({ id: messageId, event: 'VerificationNewEvent' })).toEqual(NO_BODY);

    expect(await service.getDelivery(pinId)).toEqual({ status: 'pending' });
  });

  it('has the reason for which it was denied', async () => {
    const { pinId, messageId } = await service.send();

    await reportResult(messageId, 'denied', { reason: 'not enough credit' });

    expect(await service.getDelivery(pinId)).toMatchObject({ reason: 'no_credit' });
  });

  it('that is sent again has a delivery of its own', async () => {
    const first = await service.send();
    await reportSms(first.messageId, 'Failed');
    service.clock.advance(seconds(30));
    await service.http.post('/otp/resend').send({ pinId: first.pinId }).expect(200);

    expect(await service.getDelivery(first.pinId)).toEqual({ status: 'pending' });
  });
});

describe('A question of Sinch whether it may send a message', () => {
  it.each(['sms', 'voice', 'whatsapp'])('is allowed for our own send by %s', async (channel) => {
    const answer = askDuringStart();

    await service.send({ channel });

    expect(await answer).toEqual(ALLOW);
  });

  it('is allowed for a resend by another channel', async () => {
    const { pinId } = await service.send();
    service.clock.advance(seconds(30));
    const answer = askDuringStart();

    await service.http.post('/otp/resend').send({ pinId, channel: 'voice' }).expect(200);

    expect(await answer).toEqual(ALLOW);
  });

  it.each([
    ['another number', { identity: identityOf(OTHER_NUMBER) }],
    ['no number', { identity: null }],
    ['another method', { method: 'callout' }],
    ['a method that is never used', { method: 'flashcall' }],
    ['no reference', { reference: undefined }],
    ['a reference of another program', { reference: 'signup-7f3a' }],
  ])('is denied for %s', async (_what, changes) => {
    const answer = askDuringStart(changes);

    await service.send();

    expect(await answer).toEqual(DENY);
  });

  it('is denied once the verification has ended', async () => {
    const { pinId, messageId, phoneNumber } = await service.send();
    const reference = service.proxy.calls.at(-1)?.request['reference'];
    const question = { event: 'VerificationRequestEvent', identity: identityOf(phoneNumber) };
    const ask = () => callBack({ id: messageId, reference, ...question });
    expect(await ask()).toEqual(ALLOW);

    await service.http.delete(`/otp/${pinId}`).expect(204);

    expect(await ask()).toEqual(DENY);
  });

  it('gives the price of the message, which is kept', async () => {
    const answer = askDuringStart({ price: { amount: 0.0127, currencyId: 'EUR' } });

    const { pinId, messageId } = await service.send();
    expect(await answer).toEqual(ALLOW);
    await reportSms(messageId, 'Successful');

    const row = `select status, price, currency from messages where pin_id = '${pinId}'`;
    expect(await queryPostgres(databaseUrl, row)).toBe('delivered|0.0127|EUR');
  });

  it('has a reference that shows nothing, and is another one for each message', async () => {
    const { pinId } = await service.send();
    await service.send();
    const references = service.proxy.calls.flatMap(({ request }) => request['reference'] ?? []);

    expect(new Set(references).size).toBe(references.length);
    for (const reference of references) {
      expect(reference).toMatch(/^[\w.-]{40,128}$/);
      expect(reference).not.toContain(pinId);
    }
  });
});

describe('A callback that is not authentic', () => {
  const event = (id: string) => ({
    ...{ id, event: 'VerificationSmsDeliveredEvent', smsResult: 'Failed' },
  });
  const refusedFor = (reason: string) =>
    service.getMetric('otp_delivery_reports_refused_total', { provider: 'sinch', reason });

  it.each([
    ['another secret', { secret: 'YW5vdGhlciBzZWNyZXQ=' }],
    ['another key', { key: '11111111-2222-4333-8444-555555555555' }],
    ['the path behind the proxy', { path: '/provider-reports/sinch' }],
    ['another body', { sentBody: '{"id":"other"}' }],
    ['key and secret as Basic', { authorization: 'Basic bWFkZTp1cA==' }],
    ['no signature', { authorization: '' }],
  ])(
    'because of %s is answered 401 without a body, and changes nothing',
    async (_what, signing) => {
      const { pinId, messageId } = await service.send();
      const before = await refusedFor('signature');

      expect(await callBack(event(messageId), signing)).toEqual([401, '']);

      expect(await service.getDelivery(pinId)).toEqual({ status: 'pending' });
      expect(await refusedFor('signature')).toBe(before + 1);
    },
  );

  it('because it is old is answered 401, and counted apart', async () => {
    const { pinId, messageId } = await service.send();
    const timestamp = new Date(Date.now() - minutes(6)).toISOString();
    const before = [await refusedFor('stale'), await refusedFor('signature')] as const;

    expect(await callBack(event(messageId), { timestamp })).toEqual([401, '']);

    expect(await service.getDelivery(pinId)).toEqual({ status: 'pending' });
    expect(await refusedFor('stale')).toBe(before[0] + 1);
    expect(await refusedFor('signature')).toBe(before[1]);
  });
});

describe('A callback', () => {
  it('may have 64 KiB, and no byte more', async () => {
    const pad = (length: number) => ({ id: 'x', event: 'y', pad: 'z'.repeat(length) });
    const size = JSON.stringify({ ...pad(0), method: 'sms', identity: identityOf(NUMBER) }).length;
    const limit = 64 * 1024;

    expect((await callBack(pad(limit - size)))[0]).toBe(200);
    expect((await callBack(pad(limit - size + 1)))[0]).toBe(413);
  });

  it('without an event is answered 400', async () => {
    expect((await callBack({ id: 'x' }))[0]).toBe(400);
  });

  it('that verifies a code of a cancelled verification is logged and counted', async () => {
    const { pinId, messageId } = await service.send();
    const reference = service.proxy.calls.at(-1)?.request['reference'];
    await reportResult(messageId, 'SUCCESSFUL', { reference });
    const disagreements = () =>
      service.getMetric('otp_provider_disagreements_total', { provider: 'sinch' });
    expect(await disagreements()).toBe(0);

    await service.http.delete(`/otp/${pinId}`).expect(204);
    await reportResult(messageId, 'SUCCESSFUL', { reference });

    expect(await disagreements()).toBe(1);
    const message = 'the provider verified a code of a failed, cancelled or expired verification';
    expect(service.log.events(message)).toEqual([expect.objectContaining({ provider: 'sinch' })]);
  });
});

describe('Without SINCH_REPORTS', () => {
  it('Sinch gets no reference', async () => {
    await service.close();
    service = await startTrackedService({
      ...REPORT_SETTINGS,
      SINCH_REPORTS: '',
      PROVIDERS: 'sinch',
    });

    const { pinId } = await service.send();

    expect(service.proxy.calls.at(-1)?.request).not.toHaveProperty('reference');
    expect(await service.getDelivery(pinId)).toBeUndefined();
  });
});
