import { readFileSync } from 'node:fs';
import { hours, minutes } from '../../src/common/durations.js';
import { ProviderReportReceiver } from '../../src/provider-reports/provider-report-receiver.js';
import { DeliveryReportStore } from '../../src/storage/delivery-report-store.js';
import { createClientAgent, newApiKey } from '../support/api-key.js';
import { FakeClock } from '../support/fake-clock.js';
import { expectProblem } from '../support/problem.js';
import { startSandboxedService } from '../support/service.js';
import { queryPostgres } from '../support/services/postgres-client.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import {
  DONE_AT,
  infobipReport,
  NUMBER,
  REPORT_SETTINGS,
  REPORT_TOKEN,
  startTrackedService,
  type TrackedService,
} from '../support/tracked-service.js';

const DELIVERED = { status: 'delivered', at: DONE_AT };
const SECOND_SECRET = 'another master secret that only tests know of';

let postgres: PostgresServer;
let service: TrackedService;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

const start = async (settings: NodeJS.ProcessEnv = {}, clock?: FakeClock) => {
  service = await startTrackedService(settings, clock);
};
/** Reports the status of a message, at `DONE_AT` or later. */
const report = async (messageId: string, status: string, changes: object = {}) => {
  const { clock } = service;
  clock.advance(Math.max(0, Date.parse(DONE_AT) - clock.now()));
  const results = [infobipReport(messageId, status, changes)];
  const response = await service.reportInfobip({ results });
  expect([response.status, await response.text()]).toEqual([200, '']);
};
const refused = (reason: string) =>
  service.getMetric('otp_delivery_reports_refused_total', { provider: 'infobip', reason });
const deliveries = (outcome: string, country = 'US') =>
  service.getMetric('otp_deliveries_total', {
    country,
    channel: 'sms',
    provider: 'infobip',
    outcome,
  });
/** By how much a metric grows. */
const growthOf = async (read: () => Promise<number>, work: () => Promise<unknown>) => {
  const before = await read();
  await work();
  return (await read()) - before;
};

describe.each([
  ['SQLite', async () => ({})],
  ['PostgreSQL', async () => ({ DATABASE_URL: await postgres.createDatabase() })],
])('The delivery of a message, with %s', (_engine, createDatabase) => {
  beforeAll(async () => start(await createDatabase()));
  afterAll(() => service.close());

  it('is pending after the send, and then what Infobip reports', async () => {
    const { pinId, messageId } = await service.send();
    expect(await service.getDelivery(pinId)).toEqual({ status: 'pending' });

    await report(messageId, 'delivered');

    expect(await service.getDelivery(pinId)).toEqual(DELIVERED);
    expect(service.proxy.calls.at(-1)?.request).toMatchObject({ trackDelivery: true });
  });

  it.each(['unreachable', 'expired', 'no_credit'])('is undelivered (%s)', async (reason) => {
    const { pinId, messageId } = await service.send();

    await report(messageId, reason);

    const undelivered = { status: 'undelivered', reason, at: DONE_AT };
    expect(await service.getDelivery(pinId)).toEqual(undelivered);
  });

  it('is known even if the report comes before the answer to the send', async () => {
    service.proxy.beforeNextAnswer(({ answer }) =>
      report(String(answer['externalMessageId']), 'delivered'),
    );

    const before = await deliveries('delivered');
    const { pinId } = await service.send();
    await service.cleanUp();

    expect(await service.getDelivery(pinId)).toEqual(DELIVERED);
    expect(await deliveries('delivered')).toBe(before + 1);
  });

  it.each([
    [['pending', 'delivered'], 'delivered'],
    [['delivered', 'pending'], 'delivered'],
    [['delivered', 'unknown'], 'delivered'],
    [['unknown', 'pending'], 'unknown'],
    [['unknown', 'delivered'], 'delivered'],
    [['delivered', 'delivered'], 'delivered'],
    [['delivered', 'unreachable'], 'delivered'],
    [['unreachable', 'delivered'], 'unreachable'],
    [['unreachable', 'expired'], 'unreachable'],
    [['expired', 'delivered'], 'delivered'],
    [['expired', 'unreachable'], 'expired'],
  ])('after the reports %j is %s, in one request or in several', async (statuses, last) => {
    const expected = expect.objectContaining(
      ['delivered', 'unknown'].includes(last) ? { status: last } : { reason: last },
    );
    const { pinId, messageId } = await service.send();
    for (const status of statuses) await report(messageId, status);
    expect(await service.getDelivery(pinId)).toEqual(expected);

    const other = await service.send();
    const results = statuses.map((status) => infobipReport(other.messageId, status));
    await service.reportInfobip({ results });
    expect(await service.getDelivery(other.pinId)).toEqual(expected);
  });

  it('is that of the newest message, and each message has reports of its own', async () => {
    const first = await service.send();
    await report(first.messageId, 'unreachable');
    service.clock.advance(minutes(1));

    await service.http.post('/otp/resend').send({ pinId: first.pinId }).expect(200);
    const second = service.proxy.messageIds.at(-1) ?? '';
    expect(await service.getDelivery(first.pinId)).toEqual({ status: 'pending' });

    await report(first.messageId, 'expired');
    await report(second, 'delivered');
    expect(await service.getDelivery(first.pinId)).toEqual(DELIVERED);
    expect(service.proxy.calls.at(-1)?.request).toEqual({ trackDelivery: true });
  });

  it('is unknown once the code has expired, and a late report still changes it', async () => {
    const { pinId, messageId } = await service.send();
    service.clock.advance(minutes(5) - 1);
    expect(await service.getDelivery(pinId)).toEqual({ status: 'pending' });
    service.clock.advance(1);
    expect(await service.getDelivery(pinId)).toEqual({ status: 'unknown' });

    await report(messageId, 'delivered');

    expect(await service.getDelivery(pinId)).toEqual(DELIVERED);
  });

  it('is unknown if Infobip gives the message no id', async () => {
    service.proxy.setRemovesMessageIds(true);
    const { pinId } = await service.send();
    service.clock.advance(minutes(1));
    await service.http.post('/otp/resend').send({ pinId }).expect(200);

    service.proxy.setRemovesMessageIds(false);
    expect(await service.getDelivery(pinId)).toEqual({ status: 'unknown' });
  });

  it('is taken from each entry of a request, also beside entries that cannot be used', async () => {
    const { pinId, messageId } = await service.send();
    const others = Array.from({ length: 250 }, (_, i) => infobipReport(`foreign-${i}`, 'expired'));
    const results = [null, 'text', { to: '1' }, ...others, infobipReport(messageId, 'delivered')];

    const before = [await refused('malformed'), await refused('unknown_id')] as const;
    expect((await service.reportInfobip({ results })).status).toBe(200);

    expect(await service.getDelivery(pinId)).toMatchObject({ status: 'delivered' });
    expect(await refused('malformed')).toBe(before[0] + 3);
    expect(await refused('unknown_id')).toBe(before[1] + 250);
  });

  it('waits 15 minutes for its send, and no longer', async () => {
    const results = [infobipReport('early', 'delivered')];
    const unknownIds = (work: () => Promise<unknown>) =>
      growthOf(() => refused('unknown_id'), work);
    const post = () => service.reportInfobip({ results });
    expect(await unknownIds(post)).toBe(1);
    service.clock.advance(minutes(15) - 1);
    await service.cleanUp();
    // A repeat of a report that still waits.
    expect(await unknownIds(post)).toBe(0);

    service.clock.advance(1);
    await service.cleanUp();

    expect(await unknownIds(post)).toBe(1);
  });

  it('is erased with its number, and a report after that changes nothing', async () => {
    const { pinId, messageId, phoneNumber } = await service.send();
    await service.http.post('/otp/numbers/erase').send({ phoneNumber }).expect(204);

    const reported = await growthOf(
      () => deliveries('delivered'),
      () => report(messageId, 'delivered'),
    );

    expect(reported).toBe(0);
    expectProblem(await service.http.get(`/otp/${pinId}`), 404, 'verification_not_found');
  });

  it('does not verify the number', async () => {
    const { pinId, messageId, phoneNumber } = await service.send();
    await report(messageId, 'delivered');

    const { body } = await service.http.get(`/otp/${pinId}`).expect(200);
    expect(body).toMatchObject({ status: 'pending', attemptsRemaining: 5 });
    const code = await service.getLastCode(phoneNumber);
    await service.http.post('/otp/verify').send({ pinId, otpCode: code }).expect(200, {
      verified: true,
    });
  });
});

describe('The delivery of a message', () => {
  afterEach(() => service.close());

  it('is found after the master secret was replaced', async () => {
    const clock = new FakeClock();
    const DATABASE_URL = await postgres.createDatabase();
    await start({ DATABASE_URL }, clock);
    const { pinId, messageId } = await service.send();
    await service.close();

    const secrets = `${SECOND_SECRET},a master secret that only tests know of`;
    await start({ DATABASE_URL, OTP_SECRET: secrets }, clock);
    await report(messageId, 'delivered');

    expect(await service.getDelivery(pinId)).toEqual(DELIVERED);
  });

  it('is shown to its own client only', async () => {
    const [shop, other] = [newApiKey('shop'), newApiKey('other')];
    await start({ API_KEYS: `${shop.entry},${other.entry}` });
    const asShop = createClientAgent(service.url, shop.key);
    const { body } = await asShop.post('/otp/send').send({ phoneNumber: NUMBER }).expect(200);
    // Without an API key.
    await report(service.proxy.messageIds.at(-1) ?? '', 'delivered');

    const seen = await asShop.get(`/otp/${body.pinId}`).expect(200);
    expect(seen.body.delivery).toEqual(DELIVERED);
    await createClientAgent(service.url, other.key).get(`/otp/${body.pinId}`).expect(404);
  });

  it('is measured from the send, by provider, country, channel and outcome', async () => {
    await start();
    const first = await service.send();
    await report(first.messageId, 'delivered');
    await report(first.messageId, 'delivered');
    const second = await service.send({ phoneNumber: '+4915123456789' });
    await report(second.messageId, 'unreachable');

    expect([await deliveries('delivered'), await deliveries('unreachable', 'DE')]).toEqual([1, 1]);
    const duration = (part: string) =>
      service.getMetric(`otp_delivery_duration_seconds_${part}`, {
        provider: 'infobip',
        channel: 'sms',
      });
    expect([await duration('count'), await duration('sum')]).toEqual([1, 4.5]);
    expect(service.log.events('delivery')).toEqual([
      expect.objectContaining({ level: 'info', outcome: 'delivered', durationMs: 4_500 }),
      expect.objectContaining({ level: 'warn', outcome: 'unreachable', country: 'DE' }),
    ]);
  });

  it('is deleted at the end of the retention time', async () => {
    const DATABASE_URL = await postgres.createDatabase();
    await start({ DATABASE_URL });
    const { messageId } = await service.send();
    const sentAt = service.clock.now();
    await report(messageId, 'delivered');
    const countRows = () => queryPostgres(DATABASE_URL, 'select count(*) from messages');
    service.clock.advance(sentAt + hours(24 * 30) - 1 - service.clock.now());
    await service.cleanUp();
    expect(await countRows()).toBe('1');

    service.clock.advance(1);
    await service.cleanUp();

    expect(await countRows()).toBe('0');
  });
});

describe('Without the settings of delivery reports', () => {
  afterEach(() => service.close());

  it('there is no route, no tracking and no delivery', async () => {
    await start({ INFOBIP_REPORT_TOKEN: '', SINCH_REPORTS: '' });
    const { pinId } = await service.send();

    expect(service.proxy.calls.at(-1)?.request).not.toHaveProperty('trackDelivery');
    expect(await service.getDelivery(pinId)).toBeUndefined();
    for (const path of ['infobip', 'sinch']) {
      const response = await service.http.post(`/provider-reports/${path}`).send({});
      expectProblem(response, 404, 'not_found');
    }
    const page = await (await fetch(`${service.url}/metrics`)).text();
    expect(page).not.toMatch(/otp_deliver|disagree/);
  });

  it('the routes of the other provider do not exist', async () => {
    await start({ SINCH_REPORTS: '' });

    expectProblem(await service.http.post('/provider-reports/sinch').send({}), 404, 'not_found');
    expect((await service.reportInfobip({ results: [] })).status).toBe(200);
  });
});

describe('A request to the route of Infobip', () => {
  beforeAll(() => start());
  afterAll(() => service.close());

  it.each([
    ['no token', {}],
    ['another token', { 'x-delivery-token': 'another-token-that-is-long' }],
    ['an API key instead', { authorization: 'Bearer a-token-that-only-tests-know' }],
  ])('with %s is answered 401 without a body, and changes nothing', async (_what, headers) => {
    const { pinId, messageId } = await service.send();
    const before = await refused('signature');

    const results = [infobipReport(messageId, 'delivered')];
    const response = await service.reportInfobip({ results }, headers);

    expect([response.status, await response.text()]).toEqual([401, '']);
    expect(await service.getDelivery(pinId)).toEqual({ status: 'pending' });
    expect(await refused('signature')).toBe(before + 1);
  });

  it('without a valid token counts as a request without a valid API key', async () => {
    service.clock.advance(minutes(1));
    const statuses: number[] = [];
    for (let i = 0; i < 31; i += 1) {
      statuses.push((await service.reportInfobip({ results: [] }, {})).status);
    }

    expect(statuses).toEqual([...Array<number>(30).fill(401), 429]);
    // A valid one from the same address is still accepted, and is not counted for any client.
    expect((await service.reportInfobip({ results: [] })).status).toBe(200);
    expect((await service.send()).pinId).not.toBe('');
  });

  it.each(['', 'no JSON', '{}', '[]'])('with the body %j is answered 400', async (body) => {
    const response = await service.reportInfobip(body);

    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'malformed_body' });
  });

  it('may have 256 KiB, and no byte more', async () => {
    const limit = 256 * 1024;
    const pad = (length: number) => '{"results":[]}'.padEnd(length);

    expect((await service.reportInfobip(pad(limit))).status).toBe(200);
    expect((await service.reportInfobip(pad(limit + 1))).status).toBe(413);
    expectProblem(
      await service.http.post('/otp/send').send({ phoneNumber: 'x'.repeat(20_000) }),
      413,
      'payload_too_large',
    );
  });
});

describe('The route of Infobip', () => {
  const HMAC = {
    INFOBIP_REPORT_HMAC_SECRET: 'made-up-delivery-key-01',
    INFOBIP_REPORT_HMAC_HEADER: 'X-Signature',
  };

  it('needs the signature too, if one is configured', async () => {
    await start(HMAC);
    const body = '{"results":[{"messageId":"demo-1"}]}';
    const token = { 'x-delivery-token': REPORT_SETTINGS.INFOBIP_REPORT_TOKEN };
    const digest = '996a6fabe21798b283ea0d93bfca779c39a94b064a3993f2ca8695bdd44c9fa8';
    const statusOf = async (headers: Record<string, string>, sent = body) =>
      (await service.reportInfobip(sent, headers)).status;

    expect(await statusOf({ ...token, 'x-signature': digest })).toBe(200);
    expect(await statusOf(token)).toBe(401);
    expect(await statusOf({ 'x-signature': digest })).toBe(401);
    expect(await statusOf({ ...token, 'x-signature': digest }, `${body}\n`)).toBe(401);
    await service.close();
  });

  // This test fails without `withDeadline` in provider-report-receiver.ts.
  it('is answered 503 if storing it takes too long, and is stored all the same', async () => {
    await start();
    const { pinId, messageId } = await service.send();
    let storeNow: () => void = () => undefined;
    const canStore = new Promise<void>((resolve) => (storeNow = resolve));
    const store = service.app.get(DeliveryReportStore, { strict: false });
    const apply = store.apply.bind(store);
    jest.spyOn(store, 'apply').mockImplementation(async (...reports) => {
      await canStore;
      return apply(...reports);
    });
    service.app.get(ProviderReportReceiver, { strict: false }).responseTimeoutMs = 50;

    const response = await service.reportInfobip({
      results: [infobipReport(messageId, 'delivered')],
    });
    expect(response.status).toBe(503);
    storeNow();

    while ((await service.getDelivery(pinId)) === undefined) continue;
    expect(await service.getDelivery(pinId)).toMatchObject({ status: 'delivered' });
    await service.close();
  });

  it('is answered 503 while the database is down, and 200 afterwards', async () => {
    const server = await startPostgres({ dedicated: true });
    await start({ DATABASE_URL: await server.createDatabase() });
    const { pinId, messageId } = await service.send();
    const results = [infobipReport(messageId, 'delivered')];

    await server.shutDown();
    const during = await service.reportInfobip({ results });
    expect([during.status, during.headers.has('retry-after')]).toEqual([503, true]);
    await server.restart();
    while ((await service.reportInfobip({ results })).status !== 200) continue;

    expect(await service.getDelivery(pinId)).toMatchObject({ status: 'delivered' });
    await service.close();
    await server.stop();
  });
});

describe('docs/delivery-reports.md', () => {
  it('has a subscription of Infobip with the path and the token header of the service', async () => {
    await start();
    const page = readFileSync('docs/delivery-reports.md', 'utf8');
    const json = /```json\n(\s+\{\s+"subscriptionId".+?)```/s.exec(page)?.[1] ?? '';
    const { profile } = JSON.parse(json) as {
      profile: { webhook: { notifyUrl: string }; headers: Record<string, string> };
    };
    const [header = ''] = Object.keys(profile.headers);

    const response = await fetch(service.url + new URL(profile.webhook.notifyUrl).pathname, {
      method: 'POST',
      headers: { 'content-type': 'application/json', [header]: REPORT_TOKEN },
      body: '{"results":[]}',
    });

    expect(response.status).toBe(200);
    await service.close();
  });
});

describe('The log and the errors of delivery reports', () => {
  it('contain no number, no id of a message and no token', async () => {
    await start();
    const { messageId, pinId } = await service.send({ phoneNumber: NUMBER });
    const text = 'a description that no log may have';
    const bodies: unknown[] = [
      { results: [infobipReport(messageId, 'unreachable', { error: { description: text } })] },
      `{"results":[{"to":"${NUMBER.slice(1)}","messageId":"${messageId}"`,
      { results: [{ to: NUMBER, text }] },
    ];
    const answers = await Promise.all(
      bodies.map(async (body) => (await service.reportInfobip(body)).text()),
    );
    const token = 'a-forged-token-of-24-chars';
    answers.push(await (await service.reportInfobip({}, { 'x-delivery-token': token })).text());

    const page = await (await fetch(`${service.url}/metrics`)).text();
    const output = service.log.text + answers.join('') + page;
    for (const secret of [
      NUMBER.slice(1),
      messageId,
      pinId,
      token,
      REPORT_SETTINGS.INFOBIP_REPORT_TOKEN,
      text,
    ]) {
      expect(output).not.toContain(secret);
    }
    await service.close();
  });
});

describe('A replica without delivery reports', () => {
  it('works beside a replica with them', async () => {
    const DATABASE_URL = await postgres.createDatabase();
    const clock = new FakeClock();
    await start({ DATABASE_URL }, clock);
    const other = await startSandboxedService({ DATABASE_URL }, clock);
    const { pinId, messageId, phoneNumber } = await service.send();
    await report(messageId, 'delivered');

    const { body } = await other.http.get(`/otp/${pinId}`).expect(200);
    expect(body).not.toHaveProperty('delivery');
    await other.http.post('/otp/numbers/erase').send({ phoneNumber }).expect(204);

    const rows = await queryPostgres(DATABASE_URL, 'select count(*) from messages');
    expect(rows).toBe('0');
    await other.close();
    await service.close();
  });
});
