import { hours, seconds } from '../../src/common/durations.js';
import type { DeliveryReported } from '../../src/common/delivery-events.js';
import type { DeliveryStatus } from '../../src/common/delivery-status.js';
import type { SendReservation, SendResult } from '../../src/storage/send.types.js';
import { FakeClock } from '../support/fake-clock.js';
import { newVerification, sendResponse } from '../support/new-verification.js';
import { phoneNumber } from '../support/phone-number.js';
import { DATABASES, type OpenStore, type TestStorage } from '../support/store.js';

const NUMBER = phoneNumber('+14155552671');
const PIN_ID = 'pin-1';
const SETTINGS = {
  INFOBIP_REPORT_TOKEN: 'a-token-that-only-tests-know',
  EVENTS_URL: 'http://127.0.0.1:9/events',
  EVENTS_SECRET: `whsec_${Buffer.alloc(32, 'a').toString('base64')}`,
};

describe.each(DATABASES)('A tracked message, on %s and two replicas', (_engine, newStorage) => {
  let storage: TestStorage;
  let clock: FakeClock;
  let replicas: readonly [OpenStore, OpenStore];
  let reported: Pick<DeliveryReported, 'pinId' | 'outcome' | 'durationMs'>[];

  beforeEach(async () => {
    clock = new FakeClock();
    storage = await newStorage();
    replicas = [await storage.open(clock, SETTINGS), await storage.open(clock, SETTINGS)];
    reported = [];
    for (const { events } of replicas) {
      events.subscribe('delivery_reported', ({ pinId, outcome, durationMs }) => {
        reported.push({ pinId, outcome, durationMs });
      });
    }
  });

  afterEach(async () => {
    for (const replica of replicas) await replica.close();
    await storage.removeData();
  });

  async function reserve(): Promise<SendReservation> {
    const admission = await replicas[0].store.reserveSend(
      newVerification(PIN_ID, NUMBER, clock.now()),
    );
    if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
    return admission.reservation;
  }

  async function reserveResend(): Promise<SendReservation> {
    clock.advance(seconds(30));
    const request = { pinId: PIN_ID, client: 'shop', channel: 'voice', now: clock.now() } as const;
    const admission = await replicas[0].store.reserveResend(request);
    if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
    return admission.reservation;
  }

  /** @param sent by default accepted by Infobip, and not tracked */
  async function confirm(reservation: SendReservation, sent: Partial<SendResult>): Promise<void> {
    const accepted = { provider: 'infobip', pinId: `pin-${String(clock.now())}` };
    const result = { ...accepted, possiblySentBy: [], ...sent };
    await replicas[0].store.confirmSend(reservation, result, sendResponse(PIN_ID));
  }

  const report = (messageId: string, status: DeliveryStatus) =>
    replicas[1].reports.apply('infobip', [{ messageId, status, statusAt: clock.now() }]);
  const cleanUp = () => Promise.all(replicas.map((replica) => replica.runCleanup()));
  const getDelivery = async () => {
    const found = await replicas[0].store.find(PIN_ID, 'shop', clock.now());
    return found && !('outcome' in found) ? found.delivery : found;
  };
  const claimEvents = () => replicas[0].outbox.claim(10);

  /** The channel and status of each message, as the event of one that did not arrive has them. */
  async function readHistory(): Promise<string[]> {
    await report('undelivered', 'unreachable');
    const [event] = await claimEvents();
    const content = event && (await replicas[0].outbox.readContent(event));
    if (!content || 'outcome' in content) throw new Error('There must be an event.');
    return content.deliveries.map(({ channel, status }) => `${channel} ${status}`);
  }

  it('can be reported by requests that have the same messages in another order', async () => {
    const reports = Array.from({ length: 100 }, (_, i) => ({
      messageId: String(i),
      status: 'delivered' as const,
      statusAt: clock.now(),
    }));

    for (let round = 0; round < 5; round++) {
      await Promise.all([
        replicas[0].reports.apply('infobip', reports),
        replicas[1].reports.apply('infobip', reports.toReversed()),
      ]);
    }
  });

  it('is shown after its report, and counts once', async () => {
    await confirm(await reserve(), { messageId: 'any' });
    clock.advance(seconds(2));
    await report('any', 'unreachable');
    await report('any', 'delivered');

    expect(await getDelivery()).toEqual({ status: 'unreachable', at: clock.now() });
    const durationMs = seconds(2);
    expect(reported).toEqual([{ pinId: PIN_ID, outcome: 'unreachable', durationMs }]);
    expect(await claimEvents()).toMatchObject([{ type: 'message.undelivered', pinId: PIN_ID }]);
  });

  it('has the time of its report by the clock as it is now, after the clock was set back', async () => {
    clock.now();
    clock.moveWallClock(-hours(1));
    await confirm(await reserve(), { messageId: 'any' });
    clock.advance(seconds(2));
    const statusAt = clock.toDate(clock.now()).getTime();
    await replicas[1].reports.apply('infobip', [
      { messageId: 'any', status: 'delivered', statusAt },
    ]);

    expect(await getDelivery()).toEqual({ status: 'delivered', at: clock.now() });
    expect(reported).toMatchObject([{ durationMs: seconds(2) }]);
  });

  it('that was reported before its send was stored is shown after a cleanup, and counts once', async () => {
    const reservation = await reserve();
    clock.advance(seconds(2));
    await report('early', 'unreachable');
    await confirm(reservation, { messageId: 'early' });
    clock.advance(seconds(10));

    await cleanUp();
    await cleanUp();

    const at = clock.now() - seconds(10);
    expect(await getDelivery()).toEqual({ status: 'unreachable', at });
    expect(reported).toEqual([{ pinId: PIN_ID, outcome: 'unreachable', durationMs: 0 }]);
    const undelivered = { type: 'message.undelivered', pinId: PIN_ID, client: 'shop' };
    expect(await claimEvents()).toEqual([
      expect.objectContaining({ ...undelivered, occurredAt: at, createdAt: clock.now() }),
    ]);
  });

  it('that was reported before its send was stored is shown after its next report', async () => {
    const reservation = await reserve();
    await report('early', 'expired');
    await confirm(reservation, { messageId: 'early' });

    await report('early', 'unreachable');

    expect(await getDelivery()).toEqual({ status: 'expired', at: clock.now() });
    expect(reported).toEqual([{ pinId: PIN_ID, outcome: 'expired', durationMs: 0 }]);
    expect(await claimEvents()).toMatchObject([{ type: 'message.undelivered', pinId: PIN_ID }]);
  });

  it('that was reported before its send was stored and then replaced counts once, and has later reports', async () => {
    const reservation = await reserve();
    await report('early', 'expired');
    await confirm(reservation, { messageId: 'early' });
    await confirm(await reserveResend(), { messageId: 'newest' });

    expect(reported).toEqual([{ pinId: PIN_ID, outcome: 'expired', durationMs: 0 }]);
    expect(await claimEvents()).toMatchObject([{ type: 'message.undelivered', pinId: PIN_ID }]);

    await report('early', 'delivered');

    expect(reported.at(-1)).toEqual({
      pinId: PIN_ID,
      outcome: 'delivered',
      durationMs: seconds(30),
    });
    expect(await getDelivery()).toEqual({ status: 'pending', at: undefined });
  });

  it('that a resend replaced has later reports, with its own channel and time', async () => {
    await confirm(await reserve(), { messageId: 'undelivered' });
    await confirm(await reserveResend(), { messageId: 'newest' });

    expect(await readHistory()).toEqual(['sms unreachable', 'voice pending']);

    const durationMs = seconds(30);
    expect(reported).toEqual([{ pinId: PIN_ID, outcome: 'unreachable', durationMs }]);
  });

  it('is in the history of an event, also without an id or a report', async () => {
    await confirm(await reserve(), { messageId: 'undelivered' });
    await confirm(await reserveResend(), { messageId: '' });
    await confirm(await reserveResend(), { messageId: '' });
    await confirm(await reserveResend(), { messageId: 'without-a-report' });
    await confirm(await reserveResend(), { messageId: '' });

    expect(await readHistory()).toEqual([
      'sms unreachable',
      'voice unknown',
      'voice unknown',
      'voice pending',
      'voice unknown',
    ]);
  });

  it('has no delivery after a message that is not tracked', async () => {
    await confirm(await reserve(), { messageId: 'undelivered' });
    await confirm(await reserveResend(), { provider: 'sinch' });

    expect(await readHistory()).toEqual(['sms unreachable']);
    expect(await getDelivery()).toBeUndefined();
  });

  it('is alone in the history of an event after a message that was not tracked', async () => {
    await confirm(await reserve(), {});
    await confirm(await reserveResend(), { messageId: 'undelivered' });

    expect(await readHistory()).toEqual(['voice unreachable']);
  });

  it('is unknown without an id, also to a report that names none', async () => {
    await confirm(await reserve(), { messageId: '' });
    await report('', 'delivered');
    await cleanUp();

    expect(await getDelivery()).toEqual({ status: 'unknown', at: undefined });
    expect(reported).toEqual([]);
  });
});
