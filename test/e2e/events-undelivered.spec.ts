import { hours, minutes, seconds } from '../../src/common/durations.js';
import { WebhookScheduler } from '../../src/webhooks/webhook-scheduler.js';
import { startEventReceiver, type EventReceiver } from '../support/event-receiver.js';
import { reply } from '../support/scripted-upstream.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import {
  DONE_AT,
  infobipReport,
  startTrackedService,
  type TrackedService,
} from '../support/tracked-service.js';

describe.each(['SQLite', 'PostgreSQL'])(
  'The event of a message that did not arrive, on %s',
  (engine) => {
    let postgres: PostgresServer | undefined;
    let receiver: EventReceiver;
    let service: TrackedService;

    beforeAll(async () => {
      if (engine === 'PostgreSQL') postgres = await startPostgres();
    });

    afterAll(async () => postgres?.stop());

    beforeEach(async () => {
      receiver = await startEventReceiver();
      service = await startTrackedService({
        ...receiver.settings,
        ...(postgres && { DATABASE_URL: await postgres.createDatabase() }),
      });
    });

    afterEach(async () => {
      await service.close();
      await receiver.close();
    });

    const runEvents = () => service.app.get(WebhookScheduler).runOnce();
    const report = async (messageId: string, status: string) => {
      service.clock.advance(seconds(5));
      const results = [infobipReport(messageId, status)];
      expect((await service.reportInfobip({ results })).status).toBe(200);
    };
    const getTypes = () => receiver.getEvents().map(({ type }) => type);

    it('is written once, and is sent before the event verification.verified', async () => {
      receiver.answer(reply(500, {}));
      const { pinId, messageId, phoneNumber } = await service.send();
      await report(messageId, 'unreachable');
      // The status is final, so these reports change nothing.
      await report(messageId, 'unreachable');
      await report(messageId, 'delivered');
      await runEvents();
      const otpCode = await service.getLastCode(phoneNumber);
      await service.http.post('/otp/verify').send({ pinId, otpCode }).expect(200);
      await runEvents();
      // The first try failed. The event verification.verified waits until the retry succeeds.
      expect(getTypes()).toEqual(['message.undelivered']);

      receiver.answer(reply(204, ''));
      service.clock.advance(minutes(1));
      await runEvents();

      const delivery = [
        {
          channel: 'sms',
          provider: 'infobip',
          sentAt: '2030-01-01T00:00:00.000Z',
          status: 'undelivered',
          reason: 'unreachable',
          at: DONE_AT,
        },
      ];
      expect(getTypes().slice(1)).toEqual(['message.undelivered', 'verification.verified']);
      const [, undelivered, verified] = receiver.getEvents();
      expect(undelivered).toMatchObject({ timestamp: DONE_AT, data: { pinId, delivery } });
      expect(undelivered?.data).not.toHaveProperty('endedAt');
      expect(verified?.data).toMatchObject({ pinId, delivery });
      expect(verified?.data).not.toHaveProperty('message');
    });

    it('names the message that failed, also after another was sent', async () => {
      const { pinId, messageId } = await service.send();
      service.clock.advance(seconds(30));
      await service.http.post('/otp/resend').send({ pinId, channel: 'voice' }).expect(200);
      await report(messageId, 'unreachable');
      await runEvents();

      const [event] = receiver.getEvents();
      expect(event?.data).toMatchObject({
        channel: 'voice',
        message: {
          channel: 'sms',
          provider: 'infobip',
          sentAt: '2030-01-01T00:00:00.000Z',
          status: 'undelivered',
          reason: 'unreachable',
          at: DONE_AT,
        },
      });
    });

    it('is sent if the report comes before the answer to the send', async () => {
      service.proxy.beforeNextAnswer(async ({ answer }) => {
        const { externalMessageId } = answer as { externalMessageId: string };
        await report(externalMessageId, 'unreachable');
      });
      const { pinId } = await service.send();
      // The clean-up links the report to its message, which was stored later.
      await service.cleanUp();
      await runEvents();

      expect(receiver.getEvents()).toEqual([
        expect.objectContaining({
          type: 'message.undelivered',
          data: expect.objectContaining({ pinId }),
        }),
      ]);
    });

    it('is given up, with a line in the log, when its verification is deleted by age', async () => {
      receiver.answer(reply(500, {}));
      const { messageId } = await service.send();
      // The report comes five seconds later, one second before the verification is deleted.
      service.clock.advance(hours(24 * 30) - seconds(6));
      await report(messageId, 'unreachable');
      await runEvents();
      service.clock.advance(seconds(1));
      await service.cleanUp();
      service.clock.advance(seconds(5));
      await runEvents();

      expect(getTypes()).toEqual(['message.undelivered']);
      expect(service.log.text).toMatch(
        /Event \S+ \(message\.undelivered\) was not sent: its verification was deleted after RETENTION/,
      );
      const abandoned = { type: 'message.undelivered', outcome: 'abandoned' };
      expect(await service.getMetric('otp_events_total', abandoned)).toBe(1);
    });

    it('is not sent for a message that arrived, or whose delivery is unknown', async () => {
      const sent = [await service.send(), await service.send(), await service.send()] as const;
      await report(sent[0].messageId, 'delivered');
      await report(sent[1].messageId, 'unknown');
      await report(sent[2].messageId, 'pending');
      await report('an-id-of-another-account', 'unreachable');
      await runEvents();
      expect(getTypes()).toEqual([]);

      // The verifications expire, and their events have the delivery status.
      service.clock.advance(minutes(6));
      await runEvents();

      const deliveries = receiver.getEvents().map(({ data }) => {
        const [delivery] = data['delivery'] as object[];
        return [data['pinId'], delivery];
      });
      const at = expect.any(String);
      const message = { channel: 'sms', provider: 'infobip', sentAt: at };
      expect(Object.fromEntries(deliveries)).toEqual({
        [sent[0].pinId]: { ...message, status: 'delivered', at },
        [sent[1].pinId]: { ...message, status: 'unknown', at },
        // No `at`: the report said `pending`, and it became `unknown` when the code expired.
        [sent[2].pinId]: { ...message, status: 'unknown' },
      });
    });
  },
);
