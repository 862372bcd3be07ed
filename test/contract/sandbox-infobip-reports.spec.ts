import { createHmac } from 'node:crypto';
import { minutes } from '../../src/common/durations.js';
import { createSubscriptionReceiver } from '../../src/sandbox/infobip/subscription-receiver.js';
import { createSubscription } from '../../src/sandbox/infobip/subscription.js';
import {
  createMagicNumber,
  PHONE_NUMBER,
  startTestSandbox,
  UUID_PATTERN,
  type TestSandbox,
} from '../support/sandbox.js';
import {
  dropConnection,
  reply,
  startScriptedUpstream,
  type ScriptedUpstream,
} from '../support/scripted-upstream.js';

const SUBSCRIPTIONS = '/subscriptions/1/subscription/SMS';
const HMAC_KEY = 'made-up-delivery-key-01';

/** The statuses as Infobip documents them, with group and id. */
const STATUSES = [
  ['PENDING_WAITING_DELIVERY', 1, 3],
  ['PENDING_ENROUTE', 1, 7],
  ['PENDING_ACCEPTED', 1, 26],
  ['DELIVERED_TO_OPERATOR', 3, 2],
  ['DELIVERED_TO_HANDSET', 3, 5],
  ['UNDELIVERABLE_REJECTED_OPERATOR', 2, 4],
  ['UNDELIVERABLE_NOT_SENT', 2, 31],
  ['UNDELIVERABLE_NOT_DELIVERED', 2, 9],
  ['NO_ANSWER', 2, 96],
  ['BUSY', 2, 97],
  ['CANCELLED', 2, 98],
  ['EXPIRED_EXPIRED', 4, 15],
  ['EXPIRED_DLR_UNKNOWN', 4, 29],
  ['SIGNALS_BLOCKED', 4, 87],
  ['REJECTED_FLOODING_FILTER', 5, 20],
  ['REJECTED_NOT_ENOUGH_CREDITS', 5, 12],
  ['REJECTED_PREPAID_PACKAGE_EXPIRED', 5, 17],
  ['REJECTED_DND', 5, 10],
  ['REJECTED_DESTINATION_BLOCKLISTED', 5, 14],
  ['REJECTED_SOURCE', 5, 11],
  ['REJECTED_SENDER', 5, 13],
  ['REJECTED_ROUTE_NOT_AVAILABLE', 5, 19],
  ['REJECTED_NETWORK', 5, 6],
  ['REJECTED_PREFIX_MISSING', 5, 8],
  ['REJECTED_DESTINATION', 5, 52],
  ['MISSING_TO', 5, 51],
  ['REJECTED_DESTINATION_NOT_REGISTERED', 5, 18],
  ['REJECTED_SYSTEM_ERROR', 5, 21],
  ['REJECTED_DUPLICATE_MESSAGE_ID', 5, 23],
  ['REJECTED_INVALID_UDH', 5, 24],
  ['REJECTED_MESSAGE_TOO_LONG', 5, 25],
  ['REJECTED', 5, 99],
  ['UNDELIVERABLE_REJECTED_PLATFORM', 5, 100],
] as const;
/** The names of the groups, by group id. */
const GROUPS = ['', 'PENDING', 'UNDELIVERABLE', 'DELIVERED', 'EXPIRED', 'REJECTED'];

let receiver: ScriptedUpstream;
let sandbox: TestSandbox;

beforeEach(async () => {
  receiver = await startScriptedUpstream();
  receiver.answer(reply(200, ''));
  sandbox = await startTestSandbox();
});

afterEach(async () => {
  await sandbox.close();
  await receiver.close();
});

const createSubscriptionBody = (profile: object = {}) => ({
  subscriptionId: 'otp-dlr',
  events: ['DELIVERY'],
  profile: {
    profileId: 'otp-dlr-profile',
    webhook: { notifyUrl: `${receiver.url}/reports?from=infobip`, contentType: 'application/json' },
    ...profile,
  },
});
const subscribe = (profile?: object) =>
  sandbox.http.post(SUBSCRIPTIONS).send(createSubscriptionBody(profile));
const sendTracked = async (to = PHONE_NUMBER): Promise<string> =>
  (await sandbox.send(to, { trackDelivery: true }).expect(200)).body.externalMessageId;
const planReport = (fault: object) =>
  sandbox.callControl('put', 'faults', { operation: 'report', ...fault }).expect(200);
const parseResults = (index: number) =>
  JSON.parse(receiver.requests[index]?.body ?? '{}').results as Record<string, unknown>[];

describe('A delivery report of the sandbox as Infobip', () => {
  it('is sent to the subscription for each tracked message, in the current shape', async () => {
    await subscribe({ headers: { 'x-delivery-token': 'made-up-token' } }).expect(201);

    const messageId = await sendTracked();
    const [report] = await sandbox.deliverReports();

    expect(messageId).toMatch(UUID_PATTERN);
    expect((await sandbox.listMessages())[0]?.messageId).toBe(messageId);
    expect(receiver.requests).toMatchObject([
      {
        method: 'POST',
        path: '/reports?from=infobip',
        headers: { 'content-type': 'application/json', 'x-delivery-token': 'made-up-token' },
      },
    ]);
    expect(JSON.parse(receiver.requests[0]?.body ?? '')).toEqual({
      results: [
        {
          messageId,
          to: PHONE_NUMBER,
          sender: 'Sandbox',
          messageCount: 1,
          sentAt: '2030-01-01T00:00:00.000+0000',
          doneAt: '2030-01-01T00:00:00.000+0000',
          mccMnc: '00101',
          price: { pricePerMessage: 0.031, currency: 'EUR' },
          status: {
            groupId: 3,
            groupName: 'DELIVERED',
            id: 5,
            name: 'DELIVERED_TO_HANDSET',
            description: expect.any(String),
          },
          error: {
            groupId: 0,
            groupName: 'OK',
            id: 0,
            name: 'NO_ERROR',
            description: expect.any(String),
            permanent: false,
          },
        },
      ],
    });
    expect(report).toMatchObject({ messageId, state: 'accepted', attempts: 1, response: 200 });
  });

  it('has the older shape if the setting reportShape is `older`', async () => {
    await subscribe();
    await sandbox.callControl('put', 'settings', { reportShape: 'older' }).expect(200);

    await sendTracked();
    await sandbox.deliverReports();

    const [result] = parseResults(0);
    expect(result).toMatchObject({ from: 'Sandbox', smsCount: 1 });
    expect(result).not.toHaveProperty('sender');
    expect(result).not.toHaveProperty('messageCount');
  });

  it('has its own id for each send and resend, by SMS and by phone call', async () => {
    await subscribe();
    const tracked = { trackDelivery: true };
    const { body } = await sandbox.send(PHONE_NUMBER, tracked);
    const resends = await Promise.all(
      ['resend', 'resend/voice'].map((path) =>
        sandbox.http.post(`/2fa/2/pin/${body.pinId}/${path}`).send(tracked),
      ),
    );

    const reports = await sandbox.deliverReports();

    const ids = [body, ...resends.map((resend) => resend.body)].map(
      (sent) => sent.externalMessageId,
    );
    expect(new Set(ids).size).toBe(3);
    expect(reports.map(({ messageId }) => messageId).sort()).toEqual(ids.sort());
  });

  it('is not sent for a message without trackDelivery, nor for one that was not sent', async () => {
    await subscribe();
    await sandbox.send(PHONE_NUMBER);
    await sandbox.callControl('put', 'faults', { operation: 'send', kind: 'not-sent' });

    expect(await sendTracked()).toMatch(UUID_PATTERN);

    expect(await sandbox.deliverReports('all')).toEqual([]);
  });

  it.each(STATUSES)('names the status %s with group %d and id %d', async (status, groupId, id) => {
    await subscribe();
    await planReport({ kind: 'normal', status });

    await sendTracked();
    await sandbox.deliverReports();

    const [result] = parseResults(0);
    expect(result?.['status']).toMatchObject({
      groupId,
      groupName: GROUPS[groupId],
      id,
      name: status,
    });
    expect(result?.['price']).toMatchObject({ pricePerMessage: groupId === 5 ? 0 : 0.031 });
  });

  it('has the group, the error and the unknown status that a test chooses', async () => {
    await subscribe();
    await planReport({ kind: 'normal', status: 'SIGNALS_BLOCKED', groupId: 5, errorId: 608 });
    await sendTracked();
    await planReport({ kind: 'normal', status: 'NEW_STATUS' });
    await sendTracked();
    await sandbox.deliverReports();

    expect(receiver.requests.flatMap((_request, index) => parseResults(index))).toMatchObject([
      { status: { groupId: 5, groupName: 'REJECTED', id: 87 }, error: { id: 608 } },
      { status: { name: 'NEW_STATUS', description: expect.any(String) }, error: { id: 0 } },
    ]);
  });

  it('says that the flood filter dropped the message, or that the phone was unreachable', async () => {
    await subscribe();
    await sandbox.callControl('put', 'pins', { to: PHONE_NUMBER, pin: '123456' });
    for (let i = 0; i < 6; i += 1) await sandbox.send(PHONE_NUMBER);

    // The seventh identical message within an hour is dropped.
    await sendTracked();
    const [dropped] = await sandbox.deliverReports();
    const unreachable = { trackDelivery: true, to: createMagicNumber(205) };
    await sandbox.http
      .post('/2fa/2/pin?ncNeeded=false')
      .send({ applicationId: 'sandbox-application', messageId: 'sandbox-message', ...unreachable });
    const [notDelivered] = await sandbox.deliverReports();

    expect(dropped?.status).toBe('REJECTED_FLOODING_FILTER');
    expect(parseResults(0)).toMatchObject([
      { error: { id: 4104, name: 'EC_DESTINATION_TXT_FLOODING', permanent: true } },
    ]);
    expect(notDelivered?.status).toBe('UNDELIVERABLE_NOT_DELIVERED');
    expect(parseResults(1)).toMatchObject([{ error: { id: 27, name: 'EC_ABSENT_SUBSCRIBER' } }]);
  });

  it('shares its request with others that are due, up to maxBucketSize', async () => {
    await subscribe({ maxBucketSize: 2 });
    await planReport({ kind: 'late', times: 3 });
    const ids = [await sendTracked(), await sendTracked('41793026728'), await sendTracked()];
    expect(await sandbox.deliverReports()).toMatchObject([{ state: 'waiting' }, {}, {}]);
    expect(receiver.requests).toEqual([]);

    sandbox.clock.advance(minutes(1));
    await sandbox.deliverReports();

    const requests = receiver.requests.map((_request, index) =>
      parseResults(index).map(({ messageId }) => messageId),
    );
    expect(requests).toEqual([ids.slice(0, 2), ids.slice(2)]);
  });
});

describe('The signature of a delivery report', () => {
  it.each([
    [
      '[{"messageId":"demo-1"}]',
      '996a6fabe21798b283ea0d93bfca779c39a94b064a3993f2ca8695bdd44c9fa8',
    ],
  ])('is the HMAC-SHA-256 of the body in hexadecimal: %s', async (results, digest) => {
    const subscription = createSubscriptionReceiver(
      createSubscription({ url: receiver.url, hmacSecret: HMAC_KEY }),
      () => 'x-our-signature',
    );

    await subscription.postReports(JSON.parse(results));

    const [request] = receiver.requests;
    expect(request?.body).toBe(`{"results":${results}}`);
    expect(request?.headers['x-our-signature']).toBe(digest);
  });

  it('has the algorithm of the subscription and the header of the settings', async () => {
    const credentials = { secretKey: HMAC_KEY, algorithm: 'HMAC_SHA_512' };
    await subscribe({ security: { type: 'HMAC', credentials } }).expect(201);
    await sandbox.callControl('put', 'settings', { reportHmacHeader: 'x-hub-signature' });

    await sendTracked();
    await sandbox.deliverReports();

    const [request] = receiver.requests;
    const expected = createHmac('sha512', HMAC_KEY)
      .update(request?.body ?? '')
      .digest('hex');
    expect(request?.headers['x-hub-signature']).toBe(expected);
  });

  it('can be Basic authentication instead', async () => {
    const credentials = { username: 'dlr', password: 'made-up-pass' };
    await subscribe({ security: { type: 'BASIC', credentials } }).expect(201);

    await sendTracked();
    await sandbox.deliverReports();

    expect(receiver.requests[0]?.headers.authorization).toBe('Basic ZGxyOm1hZGUtdXAtcGFzcw==');
  });
});

describe('A subscription of the sandbox', () => {
  it('is returned, listed, replaced and deleted', async () => {
    const { body } = await subscribe().expect(201);
    expect(body).toMatchObject({ subscriptionId: 'otp-dlr', profile: { maxBucketSize: 100 } });
    await subscribe({ maxBucketSize: 7 }).expect(201);
    const list = await sandbox.http.get(SUBSCRIPTIONS).expect(200);
    expect(list.body.results).toMatchObject([{ profile: { maxBucketSize: 7 } }]);

    await sandbox.http.delete(`${SUBSCRIPTIONS}/otp-dlr`).expect(204);

    await sandbox.http.delete(`${SUBSCRIPTIONS}/otp-dlr`).expect(404);
    await sendTracked();
    expect(await sandbox.deliverReports()).toEqual([]);
  });

  it('needs the scope subscriptions:manage', async () => {
    const post = (key: string) =>
      sandbox.anonymousHttp
        .post(SUBSCRIPTIONS)
        .set('authorization', `App ${key}`)
        .send(createSubscriptionBody());

    await post('pinscope').expect(403);
    await post('any').expect(201);
  });

  it.each([
    ['a profile without a webhook', { webhook: undefined }],
    ['a bucket that is too large', { maxBucketSize: 2_001 }],
    ['an unknown kind of security', { security: { type: 'CUSTOM', credentials: {} } }],
    ['an invalid URL', { webhook: { notifyUrl: 'reports' } }],
  ])('cannot have %s', async (_description, profile) => {
    await subscribe(profile).expect(400);
  });

  it('exists from the start if the options have a URL', async () => {
    const configured = await startTestSandbox({
      infobipReports: {
        url: receiver.url,
        token: 'made-up-token',
        hmacSecret: HMAC_KEY,
        hmacHeader: 'x-ours',
      },
    });

    await configured.send(PHONE_NUMBER, { trackDelivery: true });
    await configured.deliverReports();

    const [request] = receiver.requests;
    expect(request?.headers['x-delivery-token']).toBe('made-up-token');
    expect(request?.headers['x-ours']).toBe(
      createHmac('sha256', HMAC_KEY)
        .update(request?.body ?? '')
        .digest('hex'),
    );
    await configured.close();
  });
});

describe('The URLs of reports', () => {
  it('can be set once the server that gets them has started', async () => {
    sandbox.setReportUrls({
      infobipReports: {
        url: `${receiver.url}/infobip`,
        hmacSecret: HMAC_KEY,
        hmacHeader: 'x-ours',
      },
    });
    sandbox.setReportUrls({ sinchCallbackUrl: `${receiver.url}/sinch` });

    await sendTracked();
    await sandbox.deliverReports();

    expect(receiver.requests).toMatchObject([
      { path: '/infobip', headers: { 'x-ours': expect.any(String) } },
    ]);
    const settings = await sandbox.anonymousHttp.get('/sandbox/settings');
    expect(settings.body).toMatchObject({ sinchCallbackUrl: `${receiver.url}/sinch` });
  });

  it.each(['reports', 'http://127.0.0.1:30000000/x'])(
    'cannot be the invalid URL %s',
    async (invalidUrl) => {
      const settings = await sandbox.anonymousHttp.get('/sandbox/settings');

      expect(() => {
        sandbox.setReportUrls({ infobipReports: { url: invalidUrl } });
      }).toThrow('invalid');
      expect(() => {
        sandbox.setReportUrls({ sinchCallbackUrl: invalidUrl });
      }).toThrow('invalid');

      await sandbox.anonymousHttp.get('/sandbox/settings').expect(200, settings.body);
      await expect(startTestSandbox({ sinchCallbackUrl: invalidUrl })).rejects.toThrow('invalid');
    },
  );
});

describe('A delivery report that is not accepted', () => {
  it.each([
    ['an error', reply(503, '')],
    ['a redirect', reply(302, '', { location: '/' })],
    ['a closed connection', dropConnection],
  ])('is repeated unchanged after %s', async (_description, answer) => {
    await subscribe();
    receiver.answer(answer);
    await sendTracked();
    const [failed] = await sandbox.deliverReports();
    expect(failed).toMatchObject({ state: 'waiting', attempts: 1 });
    receiver.answer(reply(200, ''));

    sandbox.clock.advance(minutes(1));
    const [accepted] = await sandbox.deliverReports();

    expect(accepted).toMatchObject({ state: 'accepted', attempts: 2, response: 200 });
    const [first, ...repeated] = receiver.requests.map(({ body }) => body);
    expect(new Set(repeated)).toEqual(new Set([first]));
  });

  it('is repeated 20 times, for the n-th time after 1 + (n - 1)² minutes', async () => {
    await subscribe();
    receiver.answer(reply(500, ''));
    const start = sandbox.clock.now();
    await sendTracked();
    let [report] = await sandbox.deliverReports();
    const waits: number[] = [];
    while (report?.dueAt !== undefined) {
      const waitMs = Date.parse(report.dueAt) - sandbox.clock.now();
      waits.push(waitMs / minutes(1));
      sandbox.clock.advance(waitMs - 1);
      await sandbox.deliverReports();
      expect(receiver.requests).toHaveLength(waits.length);
      sandbox.clock.advance(1);
      [report] = await sandbox.deliverReports();
    }

    expect(waits.slice(0, 10)).toEqual([1, 2, 5, 10, 17, 26, 37, 50, 65, 82]);
    expect(waits).toHaveLength(20);
    expect(sandbox.clock.now() - start).toBe(minutes(41 * 60 + 30));
    expect(report).toMatchObject({ state: 'failed', attempts: 21, response: 500 });
  });
});
