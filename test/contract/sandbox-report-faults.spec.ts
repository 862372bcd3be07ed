import type { ServerResponse } from 'node:http';
import { minutes, seconds } from '../../src/common/durations.js';
import { ReportQueue } from '../../src/sandbox/reports/report-queue.js';
import type { Report } from '../../src/sandbox/reports/report.js';
import {
  createMagicNumber,
  PHONE_NUMBER,
  startTestSandbox,
  type TestSandbox,
} from '../support/sandbox.js';
import {
  reply,
  startScriptedUpstream,
  type ScriptedUpstream,
} from '../support/scripted-upstream.js';

const OTHER_NUMBER = '41793026728';

let receiver: ScriptedUpstream;
let sandbox: TestSandbox;

beforeEach(async () => {
  receiver = await startScriptedUpstream();
  receiver.answer(reply(200, ''));
  sandbox = await startTestSandbox({ infobipReports: { url: receiver.url } });
});

afterEach(async () => {
  await sandbox.close();
  await receiver.close();
});

const plan = (fault: object) =>
  sandbox.callControl('put', 'faults', { operation: 'report', ...fault });
const sendTracked = async (to = PHONE_NUMBER): Promise<string> =>
  (await sandbox.send(to, { trackDelivery: true }).expect(200)).body.externalMessageId;
/** The names of the statuses in each request. */
const listStatuses = (): string[][] =>
  receiver.requests.map(({ body }) =>
    (JSON.parse(body).results as { status: { name: string } }[]).map(({ status }) => status.name),
  );

describe('A planned fault of delivery reports', () => {
  it('applies to the next messages to one number, and to no other', async () => {
    await plan({ kind: 'normal', to: `+${PHONE_NUMBER}`, status: 'REJECTED_DND', times: 2 }).expect(
      200,
    );
    await sandbox.anonymousHttp.get('/sandbox/faults').expect(200, [
      {
        operation: 'report',
        kind: 'normal',
        to: `+${PHONE_NUMBER}`,
        status: 'REJECTED_DND',
        times: 2,
      },
    ]);

    for (const to of [OTHER_NUMBER, PHONE_NUMBER, PHONE_NUMBER, PHONE_NUMBER])
      await sendTracked(to);
    const reports = await sandbox.deliverReports();

    expect(reports.map(({ to, status }) => `${to} ${status}`)).toEqual([
      `${PHONE_NUMBER} DELIVERED_TO_HANDSET`,
      `${PHONE_NUMBER} REJECTED_DND`,
      `${PHONE_NUMBER} REJECTED_DND`,
      `${OTHER_NUMBER} DELIVERED_TO_HANDSET`,
    ]);
    expect((await sandbox.anonymousHttp.get('/sandbox/faults')).body).toEqual([]);
  });

  it('delays the report by delayMs, a minute by default', async () => {
    await plan({ kind: 'late' });
    await sendTracked();
    await plan({ kind: 'late', delayMs: seconds(5) });
    await sendTracked(OTHER_NUMBER);

    sandbox.clock.advance(seconds(5) - 1);
    await sandbox.deliverReports();
    expect(receiver.requests).toHaveLength(0);
    sandbox.clock.advance(1);
    await sandbox.deliverReports();
    expect(receiver.requests).toHaveLength(1);
    sandbox.clock.advance(minutes(1) - seconds(5));
    const [second, first] = await sandbox.deliverReports();

    expect([first?.state, second?.state]).toEqual(['accepted', 'accepted']);
    const { doneAt } = JSON.parse(receiver.requests[1]?.body ?? '').results[0];
    expect(doneAt).toBe('2030-01-01T00:01:00.000+0000');
  });

  it('does not delay a report if the test asks for all reports, also those that are not due', async () => {
    await plan({ kind: 'late' });
    await sendTracked();

    const [report] = await sandbox.deliverReports('all');

    expect(report?.state).toBe('accepted');
  });

  it('loses the report', async () => {
    await plan({ kind: 'lost' });
    const messageId = await sendTracked();

    const [report] = await sandbox.deliverReports('all');

    expect(report).toMatchObject({ messageId, state: 'lost', attempts: 0 });
    expect(receiver.requests).toEqual([]);
  });

  it('sends the report twice, the second time a second later', async () => {
    await plan({ kind: 'duplicated' });
    await sendTracked();
    await sandbox.deliverReports();
    expect(receiver.requests).toHaveLength(1);

    sandbox.clock.advance(seconds(1));
    await sandbox.deliverReports();

    const [first, second] = receiver.requests.map(({ body }) => body);
    expect(second).toBe(first);
  });

  it('sends the intermediate status after the final one', async () => {
    await plan({ kind: 'reordered', status: 'UNDELIVERABLE_NOT_DELIVERED' });
    await sendTracked();
    await sandbox.deliverReports();

    sandbox.clock.advance(seconds(1));
    await sandbox.deliverReports();

    expect(listStatuses()).toEqual([['UNDELIVERABLE_NOT_DELIVERED'], ['PENDING_ENROUTE']]);
  });

  it('sends the report before the response to the send', async () => {
    await plan({ kind: 'early' });
    const order: string[] = [];
    receiver.answer((response) => {
      order.push('report');
      reply(200, '')(response);
    });

    const messageId = await sendTracked();
    order.push('response');

    expect(order).toEqual(['report', 'response']);
    expect(JSON.parse(receiver.requests[0]?.body ?? '').results[0].messageId).toBe(messageId);
  });

  it('makes one entry of a request unusable', async () => {
    await plan({ kind: 'malformed', delayMs: 1, to: OTHER_NUMBER });
    await plan({ kind: 'normal', delayMs: 1, times: 2 });
    const ids = [await sendTracked()];
    await sendTracked(OTHER_NUMBER);
    ids.push(await sendTracked());

    await sandbox.deliverReports('all');

    const { results } = JSON.parse(receiver.requests[0]?.body ?? '');
    expect(results).toMatchObject([
      { messageId: ids[0] },
      { messageId: 42, status: 'DELIVERED_TO_HANDSET' },
      { messageId: ids[1] },
    ]);
  });

  it.each([
    [{ kind: 'hang' }, 'kind'],
    [{ kind: 'normal', status: 'NOT A NAME' }, 'status'],
    [{ kind: 'normal', groupId: -1 }, 'groupId'],
    [{ kind: 'late', delayMs: -1 }, 'delayMs'],
    [{ kind: 'normal', performed: true }, 'performed'],
    [{ kind: 'normal', to: 'nobody' }, 'to'],
  ])('is rejected if it is invalid, with the name of the field: %j', async (fault, field) => {
    const { body } = await plan(fault).expect(400);

    expect(body.fields).toEqual({ [field]: [expect.any(String)] });
  });
});

describe('A planned fault of requests', () => {
  it('can be for one number', async () => {
    const fault = { operation: 'send', kind: 'unavailable', to: PHONE_NUMBER };
    await sandbox.callControl('put', 'faults', fault).expect(200);

    await sandbox.send(OTHER_NUMBER).expect(200);
    await sandbox.send(PHONE_NUMBER).expect(503);
    await sandbox.send(PHONE_NUMBER).expect(200);
  });
});

describe('The delivery report of a magic number', () => {
  it.each([
    [256, ['UNDELIVERABLE_NOT_DELIVERED accepted']],
    [260, ['EXPIRED_EXPIRED accepted']],
    [262, ['REJECTED_NOT_ENOUGH_CREDITS accepted']],
    [267, ['DELIVERED_TO_HANDSET lost']],
    [269, ['DELIVERED_TO_HANDSET waiting']],
    [270, ['DELIVERED_TO_HANDSET waiting', 'DELIVERED_TO_HANDSET accepted']],
    [272, ['PENDING_ENROUTE waiting', 'DELIVERED_TO_HANDSET accepted']],
    [281, ['DELIVERED_TO_HANDSET accepted']],
  ])('with area code %d is %j', async (areaCode, expected) => {
    const to = createMagicNumber(areaCode);
    await sendTracked(to);

    const reports = await sandbox.deliverReports();

    expect(reports.map(({ status, state }) => `${status} ${state}`)).toEqual(expected);
    expect(await sandbox.listMessages(to)).toHaveLength(1);
  });
});

describe('The control routes for reports', () => {
  it('send a further report of a message, and return the response to it', async () => {
    const messageId = await sendTracked();
    await sandbox.deliverReports();
    receiver.answer(reply(401, ''));

    const report = { messageId, status: 'EXPIRED_EXPIRED', errorId: 811 };
    await sandbox.callControl('post', 'reports', report).expect(200, { responses: [401] });

    expect(listStatuses()).toEqual([['DELIVERED_TO_HANDSET'], ['EXPIRED_EXPIRED']]);
    await sandbox.callControl('post', 'reports', { messageId: 'unknown' }).expect(404, /"error"/);
    await sandbox.callControl('post', 'reports', { status: 'REJECTED' }).expect(400, /"messageId"/);
  });

  it('list the reports about one number, or about all, and delete them', async () => {
    await plan({ kind: 'late', times: 2 });
    await sendTracked();
    const messageId = await sendTracked(OTHER_NUMBER);

    const { body } = await sandbox.anonymousHttp.get(`/sandbox/reports?to=%2B${OTHER_NUMBER}`);

    expect(body).toEqual([
      {
        provider: 'infobip',
        messageId,
        to: OTHER_NUMBER,
        status: 'DELIVERED_TO_HANDSET',
        state: 'waiting',
        attempts: 0,
        dueAt: '2030-01-01T00:01:00.000Z',
      },
    ]);
    await sandbox.callControl('delete', 'reports').expect(204);
    expect(await sandbox.deliverReports('all')).toEqual([]);
    expect(receiver.requests).toEqual([]);
  });

  it('delete a report that is being sent, so that it is not repeated', async () => {
    const received = new Promise<ServerResponse>((resolve) => {
      receiver.answer(resolve);
    });
    await sendTracked();
    const delivery = sandbox.deliverReports();
    const response = await received;

    await sandbox.callControl('delete', 'reports').expect(204);
    receiver.answer(reply(200, ''));
    reply(503, '')(response);
    await delivery;
    sandbox.clock.advance(minutes(1));

    expect(await sandbox.deliverReports('all')).toEqual([]);
    expect(receiver.requests).toHaveLength(1);
  });

  it('send the reports that are due once a test moves the clock', async () => {
    await plan({ kind: 'late' });
    await sendTracked();
    const received = new Promise<void>((resolve) => {
      receiver.answer((response) => {
        reply(200, '')(response);
        resolve();
      });
    });

    await sandbox.callControl('put', 'clock', { advanceMs: minutes(1) });

    await received;
    expect(receiver.requests).toHaveLength(1);
  });

  it('need not be called: a report is sent by itself after the send', async () => {
    const received = new Promise<void>((resolve) => {
      receiver.answer((response) => {
        reply(200, '')(response);
        resolve();
      });
    });

    await sendTracked();

    await received;
  });

  it.each([
    [{}, ''],
    [{ reportShape: 'v2' }, 'reportShape'],
    [{ reportHmacHeader: 'x signature' }, 'reportHmacHeader'],
    [{ sinchCallbackUrl: 'callbacks' }, 'sinchCallbackUrl'],
    [{ sinchCallbackUrl: 'http://127.0.0.1:30000000/x' }, 'sinchCallbackUrl'],
  ])('reject the settings %j', async (settings, field) => {
    const { body } = await sandbox.callControl('put', 'settings', settings).expect(400);

    expect(Object.keys(body.fields)).toEqual([field]);
  });
});

describe('The queue of reports', () => {
  let queue: ReportQueue;

  beforeEach(() => {
    queue = new ReportQueue(() => 0);
  });

  afterEach(() => {
    queue.close();
  });

  const addReport = (messageId: string, post: () => Promise<number | undefined>) => {
    const report: Report = {
      provider: 'infobip',
      messageId,
      to: PHONE_NUMBER,
      status: 'DELIVERED_TO_HANDSET',
      receiver: { maxReports: 1, getRetryDelayMs: () => undefined, postReports: post },
      body: {},
    };
    queue.addReport(report, 0);
  };

  it('sends the other reports if one of them cannot be posted', async () => {
    addReport('first', () => Promise.reject(new Error('The URL is invalid.')));
    addReport('second', async () => 200);

    await queue.sendWaiting();

    expect(queue.listReports()).toMatchObject([
      { messageId: 'second', state: 'accepted', response: 200 },
      { messageId: 'first', state: 'failed', response: null },
    ]);
  });

  it('sends no further report after it was cleared during a request', async () => {
    const posted: string[] = [];
    addReport('first', async () => {
      posted.push('first');
      queue.clear();
      return 200;
    });
    addReport('second', async () => {
      posted.push('second');
      return 200;
    });

    await queue.sendWaiting();

    expect(posted).toEqual(['first']);
    expect(queue.listReports()).toEqual([]);
  });
});
