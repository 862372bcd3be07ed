import { seconds } from '../../src/common/durations.js';
import {
  startReportingSandbox,
  type ReportingProvider,
  type ReportingSandbox,
} from '../support/reporting-sandbox.js';

const PENDING = { status: 'pending' };

let sandbox: ReportingSandbox;

const start = async (provider: ReportingProvider) => {
  sandbox = await startReportingSandbox(provider, {});
};

afterEach(() => sandbox.reset());

/** Sends a code to a new number, whose message gets one report. @returns its delivery */
async function sendAndReport(outcome: object): Promise<unknown> {
  const phoneNumber = sandbox.createNumber();
  await sandbox.planReport({ kind: 'normal', to: phoneNumber, ...outcome });
  const { pinId } = await sandbox.send(phoneNumber);
  const [report] = await sandbox.deliverReports();
  expect(report).toMatchObject({ state: 'accepted', response: 200 });
  return sandbox.getDelivery(pinId);
}

/**
 * The `delivery` that the service returns for a message.
 * @param statusOrReason `delivered`, `unknown`, or the reason why it is `undelivered`
 */
function toDelivery(statusOrReason: string): object {
  const at = new Date(sandbox.clock.now()).toISOString();
  return statusOrReason === 'delivered' || statusOrReason === 'unknown'
    ? { status: statusOrReason, at }
    : { status: 'undelivered', reason: statusOrReason, at };
}

describe('A delivery report of Infobip', () => {
  beforeAll(() => start('infobip'));
  afterAll(() => sandbox.close());

  /** Infobip's statuses, by the delivery that they mean. */
  const STATUSES: Record<string, string[]> = {
    delivered: ['DELIVERED_TO_HANDSET'],
    unreachable: ['UNDELIVERABLE_NOT_DELIVERED', 'NO_ANSWER', 'BUSY', 'CANCELLED'],
    expired: ['EXPIRED_EXPIRED'],
    unknown: ['EXPIRED_DLR_UNKNOWN', 'A_STATUS_WITHOUT_GROUP'],
    blocked: ['SIGNALS_BLOCKED', 'REJECTED_DND', 'REJECTED_DESTINATION_BLOCKLISTED'],
    flooded: ['REJECTED_FLOODING_FILTER'],
    no_credit: ['REJECTED_NOT_ENOUGH_CREDITS', 'REJECTED_PREPAID_PACKAGE_EXPIRED'],
    rejected: [
      'UNDELIVERABLE_REJECTED_OPERATOR',
      'UNDELIVERABLE_NOT_SENT',
      'REJECTED_SOURCE',
      'REJECTED_SENDER',
      'REJECTED_ROUTE_NOT_AVAILABLE',
      'REJECTED_NETWORK',
      'REJECTED_PREFIX_MISSING',
      'REJECTED_DESTINATION',
      'MISSING_TO',
      'REJECTED_DESTINATION_NOT_REGISTERED',
      'REJECTED_SYSTEM_ERROR',
      'REJECTED_DUPLICATE_MESSAGE_ID',
      'REJECTED_INVALID_UDH',
      'REJECTED_MESSAGE_TOO_LONG',
      'REJECTED',
      'UNDELIVERABLE_REJECTED_PLATFORM',
    ],
  };

  it.each(Object.entries(STATUSES))(
    'means %s if its status is one of %j',
    async (expected, statuses) => {
      for (const status of statuses)
        expect(await sendAndReport({ status })).toEqual(toDelivery(expected));
    },
  );

  it('means the same with the fields of the older Infobip API', async () => {
    await sandbox.control('PUT', 'settings', { reportShape: 'older' });

    expect(await sendAndReport({})).toEqual(toDelivery('delivered'));
    expect(await sendAndReport({ status: 'REJECTED_DND' })).toEqual(toDelivery('blocked'));
  });

  it.each([
    ['PENDING_ENROUTE'],
    ['PENDING_ACCEPTED'],
    ['PENDING_WAITING_DELIVERY'],
    ['DELIVERED_TO_OPERATOR'],
  ])('leaves the message pending if its status is %s', async (status) => {
    expect(await sendAndReport({ status })).toMatchObject(PENDING);
  });

  it.each([
    ['UNDELIVERABLE_REJECTED_OPERATOR', 27, 'unreachable'],
    ['REJECTED', 811, 'expired'],
    ['EXPIRED_EXPIRED', 608, 'blocked'],
    ['REJECTED', 4103, 'flooded'],
    ['REJECTED_NOT_ENOUGH_CREDITS', 4104, 'no_credit'],
    ['DELIVERED_TO_HANDSET', 27, 'delivered'],
  ])('with the status %s and the error %d means %s', async (status, errorId, expected) => {
    expect(await sendAndReport({ status, errorId })).toEqual(toDelivery(expected));
  });

  it('shares its request with others: a malformed one does not stop them', async () => {
    await sandbox.planReport({ kind: 'late', delayMs: seconds(1), times: 2 });
    const numberOfMalformed = sandbox.createNumber();
    await sandbox.planReport({ kind: 'malformed', delayMs: seconds(1), to: numberOfMalformed });
    const before = await sandbox.send(sandbox.createNumber());
    const malformed = await sandbox.send(numberOfMalformed);
    const after = await sandbox.send(sandbox.createNumber());

    sandbox.clock.advance(seconds(1));
    await sandbox.deliverReports();

    expect(await sandbox.getDelivery(before.pinId)).toEqual(toDelivery('delivered'));
    expect(await sandbox.getDelivery(malformed.pinId)).toEqual(PENDING);
    expect(await sandbox.getDelivery(after.pinId)).toEqual(toDelivery('delivered'));
  });

  it('is accepted and changes nothing if its message was not sent by this service', async () => {
    await sandbox.planReport({ kind: 'lost' });
    const { pinId } = await sandbox.send(sandbox.createNumber());

    await sandbox.sendElsewhere(sandbox.createNumber());
    const [foreign] = await sandbox.deliverReports();

    expect(foreign).toMatchObject({ state: 'accepted', response: 200 });
    expect(await sandbox.getDelivery(pinId)).toMatchObject(PENDING);
  });

  it('is refused without a signature in our header, and counts once a retry has one', async () => {
    await sandbox.control('PUT', 'settings', { reportHmacHeader: 'x-another' });
    const { pinId } = await sandbox.send(sandbox.createNumber());
    const [refused] = await sandbox.deliverReports();
    expect(refused).toMatchObject({ state: 'waiting', response: 401 });
    expect(await sandbox.getDelivery(pinId)).toMatchObject(PENDING);
    await sandbox.control('PUT', 'settings', { reportHmacHeader: 'x-ours' });

    // The retry is not due yet.
    const [accepted] = await sandbox.deliverReports('all');

    expect(accepted).toMatchObject({ state: 'accepted', response: 200 });
    expect(await sandbox.getDelivery(pinId)).toEqual(toDelivery('delivered'));
  });
});

describe('A callback of Sinch', () => {
  beforeAll(() => start('sinch'));
  afterAll(() => sandbox.close());

  it.each([
    // Results of the SMS (VerificationSmsDeliveredEvent). Sinch has no `Later`.
    [{ status: 'Successful' }, 'delivered'],
    [{ status: 'Failed' }, 'unreachable'],
    [{ status: 'Later' }, 'unknown'],
    // Results of the verification (VerificationResultEvent).
    [{ status: 'SUCCESSFUL' }, 'delivered'],
    [{ status: 'ERROR', reason: 'SMS delivery failure' }, 'unreachable'],
    [{ status: 'ERROR', reason: 'Internal error' }, 'unknown'],
    [{ status: 'DENIED', reason: 'Fraud' }, 'blocked'],
    [{ status: 'DENIED', reason: 'Not enough credit' }, 'no_credit'],
    [{ status: 'DENIED', reason: 'Destination denied' }, 'rejected'],
  ])('with %j means %s', async (outcome, expected) => {
    expect(await sendAndReport(outcome)).toEqual(toDelivery(expected));
  });

  it.each([{ status: 'FAIL', reason: 'Expired' }, { status: 'ABORTED' }, { status: 'PENDING' }])(
    'with %j says nothing about the delivery',
    async (outcome) => {
      expect(await sendAndReport(outcome)).toMatchObject(PENDING);
    },
  );

  it('gets the response deny if this service did not start the verification', async () => {
    const response = await sandbox.sendElsewhere(sandbox.createNumber());

    expect(response).toMatchObject({ status: 'DENIED', reason: 'Denied by callback' });
  });

  it('lets no message be sent if it does not reach the service', async () => {
    const sinchCallbackUrl = `${sandbox.replicas[0]?.url ?? ''}/provider-reports/sinch/other`;
    await sandbox.control('PUT', 'settings', { sinchCallbackUrl });

    await sandbox.control('DELETE', 'messages');
    const phoneNumber = sandbox.createNumber();

    const response = await sandbox.replicas[0]?.http.post('/otp/send').send({ phoneNumber });

    expect(response?.body).toMatchObject({ status: 502, code: 'provider_error' });
    expect(await sandbox.control('GET', 'messages')).toEqual([]);
  });
});
