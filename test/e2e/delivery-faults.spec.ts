import { minutes, seconds } from '../../src/common/durations.js';
import { FORGED_HEADERS } from '../support/forged-headers.js';
import { expectProblem } from '../support/problem.js';
import {
  startReportingSandbox,
  type ReportingProvider,
  type ReportingSandbox,
} from '../support/reporting-sandbox.js';
import { SERVICE_DATABASES } from '../support/service-databases.js';

const PENDING = { status: 'pending' };

const PROVIDERS: ReportingProvider[] = ['infobip', 'sinch'];
/** A status of each provider that says that the message did not arrive. */
const UNDELIVERED = { infobip: 'UNDELIVERABLE_NOT_DELIVERED', sinch: 'Failed' };

describe.each(
  PROVIDERS.flatMap((provider) =>
    SERVICE_DATABASES.map(([engine, create]) => [provider, engine, create] as const),
  ),
)('A delivery report of %s, on %s and two replicas', (provider, _engine, createDatabase) => {
  let sandbox: ReportingSandbox;
  let number: string;
  let earlierDeliveries: number;

  beforeAll(async () => {
    sandbox = await startReportingSandbox(provider, await createDatabase(), 2);
  });

  beforeEach(async () => {
    await sandbox.reset();
    number = sandbox.createNumber();
    earlierDeliveries = await countAllDelivered();
  });

  afterAll(() => sandbox.close());

  const countAllDelivered = () =>
    sandbox.getMetric('otp_deliveries_total', { outcome: 'delivered' });
  const countDelivered = async () => (await countAllDelivered()) - earlierDeliveries;
  const deliveredNow = () => ({
    status: 'delivered',
    at: new Date(sandbox.clock.now()).toISOString(),
  });

  it('arrives at one replica, and the other shows it', async () => {
    const { pinId } = await sandbox.send(number);
    const [report] = await sandbox.deliverReports();

    expect(report).toMatchObject({ state: 'accepted', response: 200 });
    expect(await sandbox.getDelivery(pinId)).toEqual(deliveredNow());
    expect(await countDelivered()).toBe(1);
  });

  it('is late: the delivery is pending, unknown after the code has expired, and then delivered', async () => {
    await sandbox.planReport({ kind: 'late', delayMs: minutes(6) });
    const { pinId } = await sandbox.send(number);
    // No report is due yet.
    await sandbox.deliverReports();
    expect(await sandbox.getDelivery(pinId)).toMatchObject(PENDING);
    sandbox.clock.advance(minutes(5));
    expect(await sandbox.getDelivery(pinId)).toEqual({ status: 'unknown' });

    sandbox.clock.advance(minutes(1));
    await sandbox.deliverReports();

    expect(await sandbox.getDelivery(pinId)).toEqual(deliveredNow());
  });

  it('is lost: the delivery is unknown in the end', async () => {
    await sandbox.planReport({ kind: 'lost' });
    const { pinId } = await sandbox.send(number);
    await sandbox.deliverReports('all');
    expect(await sandbox.getDelivery(pinId)).toMatchObject(PENDING);

    sandbox.clock.advance(minutes(5));

    expect(await sandbox.getDelivery(pinId)).toEqual({ status: 'unknown' });
  });

  it('comes twice, and counts once', async () => {
    await sandbox.planReport({ kind: 'duplicated' });
    const { pinId } = await sandbox.send(number);
    await sandbox.deliverReports();
    const delivered = deliveredNow();

    sandbox.clock.advance(seconds(1));
    const reports = await sandbox.deliverReports();

    expect(reports.filter(({ response }) => response === 200)).toHaveLength(2);
    expect(await sandbox.getDelivery(pinId)).toEqual(delivered);
    expect(await countDelivered()).toBe(1);
  });

  it('is final and comes before the intermediate one: the final status stays', async () => {
    await sandbox.planReport({ kind: 'reordered', status: UNDELIVERED[provider] });
    const { pinId } = await sandbox.send(number);
    await sandbox.deliverReports();

    sandbox.clock.advance(seconds(1));
    const [intermediate] = await sandbox.deliverReports();

    expect(intermediate?.response).toBe(200);
    expect(await sandbox.getDelivery(pinId)).toMatchObject({
      status: 'undelivered',
      reason: 'unreachable',
    });
  });

  it('comes before the response to the send, at the other replica', async () => {
    await sandbox.planReport({ kind: 'early' });

    const { pinId, messageId } = await sandbox.send(number);
    // Links the report to its message.
    await sandbox.cleanUp();

    expect(await sandbox.getDelivery(pinId)).toEqual(deliveredNow());
    expect(await sandbox.report(messageId, { status: UNDELIVERED[provider] })).toBe(200);
    expect(await sandbox.getDelivery(pinId)).toEqual(deliveredNow());
    expect(await countDelivered()).toBe(1);
  });

  it('is malformed: it changes nothing, and the next one counts', async () => {
    await sandbox.planReport({ kind: 'malformed' });
    const { pinId, messageId } = await sandbox.send(number);
    await sandbox.deliverReports();
    expect(await sandbox.getDelivery(pinId)).toMatchObject(PENDING);

    await sandbox.report(messageId);

    expect(await sandbox.getDelivery(pinId)).toEqual(deliveredNow());
    const malformed = { reason: 'malformed' };
    expect(await sandbox.getMetric('otp_delivery_reports_refused_total', malformed)).toBe(1);
  });

  it('is about a message that a resend replaced: the newest message decides', async () => {
    await sandbox.planReport({ kind: 'lost', times: 2 });
    const first = await sandbox.send(number);
    sandbox.clock.advance(minutes(1));
    const second = await sandbox.resend(first.pinId);
    await sandbox.report(first.messageId);
    expect(await sandbox.getDelivery(first.pinId)).toMatchObject(PENDING);

    await sandbox.report(second.messageId, { status: UNDELIVERED[provider] });
    await sandbox.report(first.messageId, { status: UNDELIVERED[provider] });

    expect(await sandbox.getDelivery(first.pinId)).toMatchObject({ reason: 'unreachable' });
  });

  it('comes after the erase: nothing is known of the verification', async () => {
    const { pinId, messageId } = await sandbox.send(number);
    const [first] = sandbox.replicas;
    await first?.http.post('/otp/numbers/erase').send({ phoneNumber: number }).expect(204);

    expect(await sandbox.report(messageId, { status: UNDELIVERED[provider] })).toBe(200);

    for (const { http } of sandbox.replicas)
      expectProblem(await http.get(`/otp/${pinId}`), 404, 'verification_not_found');
  });

  it('is forged: it is refused, and changes nothing', async () => {
    await sandbox.planReport({ kind: 'lost' });
    const { pinId, messageId } = await sandbox.send(number);
    const event = { event: 'VerificationSmsDeliveredEvent', smsResult: 'Failed' };
    const body =
      provider === 'sinch'
        ? { id: messageId, method: 'sms', ...event }
        : { results: [{ messageId, status: { groupId: 2, id: 9 } }] };

    for (const headers of FORGED_HEADERS[provider])
      expect(await sandbox.postToReplica(1, body, headers)).toBe(401);

    expect(await sandbox.getDelivery(pinId)).toMatchObject(PENDING);
  });

  it('never verifies a number, and gives no attempt back', async () => {
    const { pinId } = await sandbox.send(number);
    const [first] = sandbox.replicas;
    const verify = { pinId, otpCode: '000000' };
    // Sinch allows one attempt only: then the verification would be closed.
    if (provider === 'infobip') await first?.http.post('/otp/verify').send(verify).expect(200);
    const before = await first?.http.get(`/otp/${pinId}`);

    await sandbox.deliverReports();

    const after = await first?.http.get(`/otp/${pinId}`);
    expect(after?.body).toEqual({ ...before?.body, delivery: deliveredNow() });
  });
});
