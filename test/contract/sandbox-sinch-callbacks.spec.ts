import type { ServerResponse } from 'node:http';
import { VerificationCallbackWebhooks } from '@sinch/verification';
import { minutes } from '../../src/common/durations.js';
import { signSinchRequest } from '../../src/sandbox/sinch/sinch-signature.js';
import { createMagicNumber, SINCH_APPLICATION } from '../support/sandbox.js';
import {
  dropConnection,
  reply,
  startScriptedUpstream,
  type ScriptedUpstream,
} from '../support/scripted-upstream.js';
import {
  createIdentity,
  expectSinchError,
  NUMBER,
  startSinchSandbox,
  type SinchSandbox,
} from '../support/sinch-sandbox.js';

const PATH = '/provider-reports/sinch';
const ALLOW = reply(200, { action: 'allow' });

let receiver: ScriptedUpstream;
let sandbox: SinchSandbox;

beforeEach(async () => {
  receiver = await startScriptedUpstream();
  receiver.answer(ALLOW);
  sandbox = await startSinchSandbox();
  await sandbox
    .callControl('put', 'settings', { sinchCallbackUrl: `${receiver.url}${PATH}?app=1` })
    .expect(200);
});

afterEach(async () => {
  await sandbox.close();
  await receiver.close();
});

const listEvents = (): Record<string, unknown>[] =>
  receiver.requests.map(({ body }) => JSON.parse(body));
const listResults = () => listEvents().filter(({ event }) => event === 'VerificationResultEvent');
/** Leaves the next request without a response. @returns its response, once the request has arrived */
const holdNextRequest = () =>
  new Promise<ServerResponse>((resolve) => {
    receiver.answer(resolve);
  });
const plan = (fault: object) =>
  sandbox
    .callControl('put', 'faults', { operation: 'report', provider: 'sinch', ...fault })
    .expect(200);

describe('The callbacks of the sandbox as Sinch', () => {
  it('ask before the message, then report its delivery and the result', async () => {
    const request = { reference: 'signup-7f3a', custom: 'tenant=12' };
    const { id, code } = await sandbox.startAndReadCode(request);
    await sandbox.deliverReports();
    await sandbox.reportCode(id, code).expect(200);
    await sandbox.deliverReports();

    const common = { id, method: 'sms', identity: createIdentity(NUMBER), ...request };
    expect(listEvents()).toEqual([
      { ...common, event: 'VerificationRequestEvent', price: { amount: 0.05, currencyId: 'EUR' } },
      { ...common, event: 'VerificationSmsDeliveredEvent', smsResult: 'Successful' },
      { ...common, event: 'VerificationResultEvent', status: 'SUCCESSFUL' },
    ]);
  });

  it('have a signature of the path without the query that the SDK of Sinch accepts', async () => {
    await sandbox.startVerification().expect(200);
    await sandbox.deliverReports();
    const sdk = new VerificationCallbackWebhooks({
      applicationKey: SINCH_APPLICATION.key,
      applicationSecret: SINCH_APPLICATION.secret,
    });
    const isValid = ({ headers, body }: (typeof receiver.requests)[number], path: string) =>
      sdk.validateAuthenticationHeader(headers, body, path, 'POST');

    expect(receiver.requests.map((request) => isValid(request, PATH))).toEqual([true, true]);
    expect(receiver.requests.map((request) => isValid(request, '/'))).toEqual([false, false]);
    // The timestamp is of the system clock, though the sandbox's clock says 2030.
    const timestamp = Date.parse(String(receiver.requests[0]?.headers['x-timestamp']));
    expect(Math.abs(Date.now() - timestamp)).toBeLessThan(minutes(1));
  });

  it.each([
    ['application/json', 'Gjt9hXdC7R816ahFeayqHIkoubm7A0uqtQjr6cic8SQ='],
    ['application/json; charset=utf-8', 'YYbm8seYahY6yy1HPDiw0XxGewmOLmHGl+C6OT+KLq0='],
  ])('have a signature that depends on the content type: %s', (contentType, signature) => {
    const body =
      '{"id":"018f-demo","event":"VerificationSmsDeliveredEvent","method":"sms","identity":{"type":"number",' +
      '"endpoint":"+46700000000"},"smsResult":"Successful","reference":"signup-7f3a"}';
    const timestamp = '2030-01-02T03:04:05.0000000Z';
    const url = '/webhooks/sinch/verification';
    const input = { method: 'POST', url, contentType, timestamp, body };

    expect(signSinchRequest(input, 'Y29udHJhY3QtZG9jLWV4YW1wbGU=')).toBe(signature);
  });

  it('do not happen without a URL', async () => {
    await sandbox.callControl('put', 'settings', { sinchCallbackUrl: '' }).expect(200);

    const { id, code } = await sandbox.startAndReadCode();
    await sandbox.reportCode(id, code).expect(200);
    await sandbox.deliverReports('all');

    expect(receiver.requests).toEqual([]);
  });

  it.each([
    ['deny', reply(200, { action: 'deny' }), 'Denied by callback'],
    ['another action', reply(200, { action: 'maybe' }), 'Invalid callback'],
    ['no JSON', reply(200, 'allow'), 'Invalid callback'],
    ['another 2xx', reply(204, ''), 'Invalid callback'],
    ['an error', reply(401, ''), 'Invalid callback'],
    ['no response', dropConnection, 'Invalid callback'],
  ])(
    'deny a start if their response is %s, and then no message is sent',
    async (_description, answer, reason) => {
      const earlier = (await sandbox.startVerification().expect(200)).body.id;
      await sandbox.callControl('delete', 'messages');
      receiver.answer(answer);

      const { body } = await sandbox.startVerification().expect(200);

      expect(body).toMatchObject({ status: 'DENIED', reason });
      expect(await sandbox.listMessages()).toEqual([]);
      expect(await sandbox.getStatus(earlier)).toMatchObject({ status: 'PENDING' });
      await sandbox.deliverReports();
      expect(listEvents().at(-1)).toMatchObject({
        event: 'VerificationResultEvent',
        id: body.id,
        status: 'DENIED',
        reason,
      });
    },
  );

  it('are not sent after the URL is removed, and again once there is a URL', async () => {
    const setUrl = (sinchCallbackUrl: string) =>
      sandbox.callControl('put', 'settings', { sinchCallbackUrl }).expect(200);
    await plan({ kind: 'late', delayMs: minutes(1) });
    await sandbox.startVerification().expect(200);
    await setUrl('');
    sandbox.clock.advance(minutes(1));
    await sandbox.deliverReports();
    const { length } = listEvents();

    await setUrl(`${receiver.url}${PATH}`);
    await sandbox.startVerification().expect(200);
    await sandbox.deliverReports();

    const names = listEvents().map(({ event }) => event);
    expect(names.slice(0, length)).toEqual(['VerificationRequestEvent']);
    expect(names.slice(length)).toContain('VerificationSmsDeliveredEvent');
  });

  it('report a failure, an abort and an expiry', async () => {
    const wrong = await sandbox.startVerification().expect(200);
    await sandbox.reportCode(wrong.body.id, 'nope').expect(200);
    const aborted = await sandbox.startVerification().expect(200);
    const expired = await sandbox.startVerification().expect(200);
    sandbox.clock.advance(minutes(10));
    await sandbox.getStatus(expired.body.id);
    await sandbox.deliverReports();

    expect(listResults()).toMatchObject([
      { id: wrong.body.id, status: 'FAIL', reason: 'Invalid code' },
      { id: aborted.body.id, status: 'ABORTED' },
      { id: expired.body.id, status: 'FAIL', reason: 'Expired' },
    ]);
  });

  it.each([
    ['allow', ALLOW, 'PENDING', 'ABORTED'],
    ['deny', reply(200, { action: 'deny' }), 'DENIED', 'PENDING'],
  ])(
    'can %s the first of two starts after the second, and report each end once',
    async (_action, answer, firstStatus, secondStatus) => {
      const request = holdNextRequest();
      const firstStart = sandbox.startVerification().then(({ body }) => body);
      const response = await request;
      receiver.answer(ALLOW);
      const second = await sandbox.startVerification().expect(200);

      answer(response);
      const first = await firstStart;
      await sandbox.deliverReports();

      expect(await sandbox.getStatus(first.id)).toMatchObject({ status: firstStatus });
      expect(await sandbox.getStatus(second.body.id)).toMatchObject({ status: secondStatus });
      expect(listResults().map(({ status }) => status)).toEqual(
        [firstStatus, secondStatus].filter((status) => status !== 'PENDING'),
      );
    },
  );

  it('report the end once if the code is submitted before they allow the start', async () => {
    await sandbox.callControl('put', 'pins', { to: NUMBER, pin: '4071' }).expect(200);
    const request = holdNextRequest();
    const start = sandbox.startVerification().then(({ body }) => body);
    const response = await request;
    receiver.answer(ALLOW);

    await sandbox.reportCode(String(listEvents()[0]?.['id']), '4071').expect(200);
    ALLOW(response);
    await start;
    await sandbox.deliverReports();

    expect(listResults()).toMatchObject([{ status: 'SUCCESSFUL' }]);
  });

  it('report an unreachable number and a denied destination without asking', async () => {
    for (const areaCode of [202, 205])
      await sandbox
        .startVerification({ identity: createIdentity(`+${createMagicNumber(areaCode)}`) })
        .expect(200);
    await sandbox.deliverReports();

    expect(listEvents()).toMatchObject([
      { event: 'VerificationResultEvent', status: 'DENIED', reason: 'Destination denied' },
      {
        event: 'VerificationResultEvent',
        status: 'ERROR',
        reason: 'Network error or number unreachable',
      },
    ]);
  });

  it('do not report the delivery of a phone call', async () => {
    await sandbox.startVerification({ method: 'callout' }).expect(200);
    await sandbox.deliverReports('all');

    expect(listEvents()).toMatchObject([{ event: 'VerificationRequestEvent' }]);
  });

  it('do not ask about a start whose reference is in use', async () => {
    await sandbox.startVerification({ reference: 'r-1' }).expect(200);

    expectSinchError(await sandbox.startVerification({ reference: 'r-1' }), 40900);

    expect(listEvents().filter(({ event }) => event === 'VerificationRequestEvent')).toHaveLength(
      1,
    );
  });

  it('are not repeated after an error', async () => {
    await sandbox.startVerification().expect(200);
    receiver.answer(reply(500, ''));

    const [report] = await sandbox.deliverReports();

    expect(report).toMatchObject({ state: 'failed', attempts: 1, response: 500 });
  });
});

describe('A planned fault of Sinch callbacks', () => {
  it('reports a failed delivery', async () => {
    await plan({ kind: 'normal', status: 'Failed' });
    await sandbox.startVerification().expect(200);
    await sandbox.deliverReports();

    expect(listEvents()[1]).toMatchObject({
      event: 'VerificationSmsDeliveredEvent',
      smsResult: 'Failed',
    });
  });

  it('reports a result instead of the delivery', async () => {
    await plan({ kind: 'normal', status: 'DENIED', reason: 'Fraud' });
    await sandbox.startVerification().expect(200);
    await sandbox.deliverReports();

    expect(listEvents()[1]).toMatchObject({
      event: 'VerificationResultEvent',
      status: 'DENIED',
      reason: 'Fraud',
    });
  });

  it.each([
    ['early', 2, 2],
    ['lost', 1, 1],
    ['late', 1, 2],
    ['duplicated', 1, 3],
  ])(
    'of the kind %s leads to %d events before the response, and %d in the end',
    async (kind, before, inTheEnd) => {
      await plan({ kind, ...(kind === 'duplicated' && { delayMs: 1 }) });

      await sandbox.startVerification().expect(200);

      expect(receiver.requests).toHaveLength(before);
      await sandbox.deliverReports('all');
      expect(receiver.requests).toHaveLength(inTheEnd);
    },
  );

  it('sends an intermediate result after the delivery, and a malformed event', async () => {
    await plan({ kind: 'reordered' });
    await sandbox.startVerification().expect(200);
    await sandbox.deliverReports('all');
    await plan({ kind: 'malformed' });
    await sandbox.startVerification().expect(200);
    await sandbox.deliverReports('all');

    expect(listEvents().slice(1, 3)).toMatchObject([
      { event: 'VerificationSmsDeliveredEvent' },
      { event: 'VerificationResultEvent', status: 'PENDING' },
    ]);
    expect(listEvents().at(-1)).toMatchObject({ id: 42 });
  });

  it('is caused by the first fifty magic numbers of an area code', async () => {
    const start = (index: number) =>
      sandbox
        .startVerification({ identity: createIdentity(`+${createMagicNumber(256, index)}`) })
        .expect(200);
    await start(49);
    await start(50);

    const reports = await sandbox.deliverReports();

    expect(reports.map(({ status }) => status)).toEqual(['Successful', 'Failed']);
  });
});
