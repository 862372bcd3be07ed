import { hours, minutes } from '../../src/common/durations.js';
import type { Channel } from '../../src/common/channel.js';
import type { DeliveryReport } from '../../src/common/delivery-report.js';
import { storageConfig } from '../../src/config/storage.config.js';
import type { NewVerification, SendReservation } from '../../src/storage/send.types.js';
import { toDay, UsageSum, type Usage } from '../../src/storage/usage-counts.js';
import { UsageHistory } from '../../src/storage/usage-history.js';
import { testEnvironment } from '../support/config.js';
import { FakeClock } from '../support/fake-clock.js';
import { grantAttempt } from '../support/grant-attempt.js';
import { newVerification, sendResponse } from '../support/new-verification.js';
import { phoneNumber } from '../support/phone-number.js';
import { DATABASES, type OpenStore, type TestStorage } from '../support/store.js';

const NUMBER = phoneNumber('+14155552671');
const DAY_MS = hours(24);

/** Counts of one day. */
type UsageRow = [
  client: string,
  country: string,
  provider: string,
  channel: string,
  verifications: number,
  sends: number,
  verified: number,
];

describe.each(DATABASES)('Usage on %s', (_engine, newStorage) => {
  let storage: TestStorage;
  let clock: FakeClock;
  let opened: OpenStore;
  let created: number;

  beforeEach(async () => {
    created = 0;
    clock = new FakeClock();
    storage = await newStorage();
    opened = await storage.open(clock);
  });

  afterEach(async () => {
    await opened.close();
    await storage.removeData();
  });

  async function reserveSend(changes: Partial<NewVerification> = {}): Promise<SendReservation> {
    created += 1;
    const number = changes.phoneNumber ?? phoneNumber(`+1415555${String(2_000 + created)}`);
    const verification = newVerification(`pin-${String(created)}`, number, clock.now());
    const admission = await opened.store.reserveSend({ ...verification, ...changes });
    if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
    return admission.reservation;
  }

  const confirm = (
    reservation: SendReservation,
    provider = 'infobip',
    possiblySentBy: readonly string[] = [],
  ) =>
    opened.store.confirmSend(
      reservation,
      { provider, pinId: 'provider-pin', possiblySentBy },
      sendResponse(reservation.pinId),
    );

  async function send(changes: Partial<NewVerification> = {}, provider?: string): Promise<string> {
    const reservation = await reserveSend(changes);
    await confirm(reservation, provider);
    return reservation.pinId;
  }

  async function reserveResend(pinId: string, channel: Channel = 'sms'): Promise<SendReservation> {
    clock.advance(minutes(1));
    const request = { pinId, client: 'shop', channel, now: clock.now() };
    const admission = await opened.store.reserveResend(request);
    if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
    return admission.reservation;
  }

  async function verify(pinId: string): Promise<void> {
    const attempt = await grantAttempt(opened.store, pinId, { now: clock.now() });
    await opened.store.completeAttempt(attempt, 'verified', clock.now());
  }

  async function readDay(day: string): Promise<Usage[]> {
    const history = await UsageHistory.open(storageConfig(testEnvironment(storage.settings)));
    const sum = new UsageSum();
    for (const usage of await history.readDay(day)) sum.add(usage);
    await history.close();
    return sum.list();
  }

  const readRows = async (time = clock.now()): Promise<UsageRow[]> =>
    (await readDay(toDay(time))).map((usage) => [
      usage.client,
      usage.country,
      usage.provider,
      usage.channel,
      usage.verifications,
      usage.sends,
      usage.verified,
    ]);

  /** Deletes every verification by its age. */
  async function passRetention(): Promise<void> {
    clock.advance(30 * DAY_MS);
    await opened.runCleanup();
  }

  // This test fails without `addUsageOfDeleted` of `deleteVerifications` in cleanup.service.ts, and without
  // `addUsageOfDeleted` of `erase` in verification.repository.ts.
  it('is the same before and after verifications are erased or deleted by age', async () => {
    const day = clock.now();
    await send({ client: 'bank', destination: { country: 'DE', prefix: 'any' } }, 'sinch');
    await verify(await send({ phoneNumber: NUMBER }));
    await send({ channel: 'voice' });
    await confirm(await reserveSend(), 'sinch', ['infobip']);
    await verify(await send());
    const before = await readRows();
    expect(before).toEqual([
      ['bank', 'DE', 'sinch', 'sms', 1, 1, 0],
      ['shop', 'US', 'infobip', 'sms', 2, 3, 2],
      ['shop', 'US', 'infobip', 'voice', 1, 1, 0],
      ['shop', 'US', 'sinch', 'sms', 1, 1, 0],
    ]);

    await opened.store.erase(NUMBER, 'shop');
    expect(await readRows()).toEqual(before);
    await passRetention();
    expect(await readRows(day)).toEqual(before);
    // As nothing is left, nothing is counted again.
    await opened.store.erase(NUMBER, 'shop');
    await opened.runCleanup();
    expect(await readRows(day)).toEqual(before);
  });

  it('is the same after a cleanup of several batches', async () => {
    const day = clock.now();
    // A batch of the cleanup has 500 rows.
    const numbers = Array.from({ length: 501 }, (_, i) =>
      phoneNumber(`+1415555${String(1_000 + i)}`),
    );
    await Promise.all(
      numbers.map(async (number) => confirm(await reserveSend({ phoneNumber: number }))),
    );

    await passRetention();

    expect(await readRows(day)).toEqual([['shop', 'US', 'infobip', 'sms', 501, 501, 0]]);
  });

  // This test fails without `earlier_sends` of `confirmResend` in send-queries.ts.
  it('belongs to the provider and channel of each send, also of those before a resend', async () => {
    const day = clock.now();
    const pinId = await send();
    await confirm(await reserveResend(pinId, 'voice'), 'sinch');
    await confirm(await reserveResend(pinId), 'sinch');
    await verify(pinId);
    const expected = [
      ['shop', 'US', 'infobip', 'sms', 0, 1, 0],
      ['shop', 'US', 'sinch', 'sms', 1, 1, 1],
      ['shop', 'US', 'sinch', 'voice', 0, 1, 0],
    ];

    expect(await readRows()).toEqual(expected);
    await passRetention();
    expect(await readRows(day)).toEqual(expected);
  });

  it('has each resend that may have been sent, even if it is confirmed after the verification or never', async () => {
    const pinId = await send();
    await opened.store.releaseSend(await reserveResend(pinId), []);
    expect(await readRows()).toEqual([['shop', 'US', 'infobip', 'sms', 1, 1, 0]]);
    await opened.store.releaseSend(await reserveResend(pinId), ['sinch']);
    const confirmedLate = await reserveResend(pinId);
    await verify(pinId);
    await confirm(confirmedLate);

    expect(await readRows()).toEqual([
      ['shop', 'US', 'infobip', 'sms', 1, 2, 1],
      ['shop', 'US', 'sinch', 'sms', 0, 1, 0],
    ]);
  });

  // This test fails if verification-table.ts adds all names by one `addPossiblySentBy`.
  it('has a provider only once for a verification of which it may have sent several messages', async () => {
    const pinId = await send();
    await opened.store.releaseSend(await reserveResend(pinId), ['infobip']);
    await opened.store.releaseSend(await reserveResend(pinId), ['infobip', 'sinch']);

    expect(await readRows()).toEqual([
      ['shop', 'US', 'infobip', 'sms', 1, 2, 0],
      ['shop', 'US', 'sinch', 'sms', 0, 1, 0],
    ]);
  });

  it('has a message that was possibly sent, and none that was not sent or has no provider', async () => {
    await opened.store.releaseSend(await reserveSend(), ['infobip']);
    await opened.store.releaseSend(await reserveSend(), ['infobip', 'sinch']);
    await opened.store.releaseSend(await reserveSend(), []);
    await opened.store.releaseSend(await reserveSend(), 'unreachable');
    await reserveSend();

    expect(await readRows()).toEqual([
      ['shop', 'US', 'infobip', 'sms', 2, 2, 0],
      ['shop', 'US', 'sinch', 'sms', 0, 1, 0],
    ]);
  });

  // This test fails without `addUsageOfDeleted` of `eraseMessages` in verification.repository.ts, and without
  // that of `deleteMessages` in cleanup.service.ts.
  it('has the reported deliveries, also of messages that are erased or deleted by age', async () => {
    const day = clock.now();
    const sendTracked = async (number: string, status: DeliveryReport['status']) => {
      const reservation = await reserveSend({ phoneNumber: phoneNumber(number) });
      await opened.store.confirmSend(
        reservation,
        { provider: 'infobip', pinId: 'any', possiblySentBy: [], messageId: number },
        sendResponse(reservation.pinId),
      );
      await opened.messages.applyReports('infobip', [{ messageId: number, status }]);
    };
    await sendTracked('+14155552671', 'delivered');
    await sendTracked('+14155552672', 'delivered');
    await sendTracked('+14155552673', 'unreachable');
    await sendTracked('+14155552674', 'unknown');
    /** Country, sends, delivered and undelivered messages. */
    const readDelivery = async () =>
      (await readDay(toDay(day))).map(({ country, sends, delivered, undelivered }) =>
        [country, sends, delivered, undelivered].join(' '),
      );
    expect(await readDelivery()).toEqual(['US 4 2 1']);

    await opened.store.erase(NUMBER, 'shop');
    expect(await readDelivery()).toEqual(['US 4 2 1']);
    await passRetention();
    expect(await readDelivery()).toEqual(['US 4 2 1']);
  });

  it('has no message to a test number', async () => {
    const day = clock.now();
    await verify(await send({ hasSendLimits: false }, 'test'));
    expect(await readRows()).toEqual([]);

    await passRetention();

    expect(await readRows(day)).toEqual([]);
  });

  it('belongs to the UTC day of the first send', async () => {
    const midnight = (Math.floor(clock.now() / DAY_MS) + 1) * DAY_MS;
    clock.advance(midnight - clock.now() - 1);
    const pinId = await send();
    clock.advance(1);
    await send();
    await confirm(await reserveResend(pinId));

    expect(await readRows(midnight - 1)).toEqual([['shop', 'US', 'infobip', 'sms', 1, 2, 0]]);
    expect(await readRows(midnight)).toEqual([['shop', 'US', 'infobip', 'sms', 1, 1, 0]]);
  });

  // This test fails without `deleteUsage` in cleanup.service.ts.
  it('is kept for 25 months', async () => {
    const day = clock.now();
    await send();
    await passRetention();
    // 762 days are 25 months.
    clock.advance(day + 762 * DAY_MS - clock.now());
    await opened.runCleanup();
    expect(await readRows(day)).toHaveLength(1);

    clock.advance(DAY_MS);
    await opened.runCleanup();

    expect(await readRows(day)).toEqual([]);
  });
});
