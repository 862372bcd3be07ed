import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { hours, minutes, seconds } from '../../src/common/durations.js';
import { Database } from '../../src/storage/engines/database.js';
import { Outbox } from '../../src/storage/outbox.js';
import { POST_TIMEOUT_MS, WebhookClient } from '../../src/webhooks/webhook-client.js';
import { WebhookScheduler } from '../../src/webhooks/webhook-scheduler.js';
import { WebhookSender } from '../../src/webhooks/webhook-sender.js';
import { startEventReceiver, type EventReceiver } from '../support/event-receiver.js';
import { scrape } from '../support/metrics.js';
import { waitUntil } from '../support/wait-until.js';
import { dropConnection, hang, reply, type Script } from '../support/scripted-upstream.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';
import { scaleTimeLimit } from '../support/time-scale.js';

const ACCEPTED = reply(204, '');

describe('The sender of events', () => {
  let receiver: EventReceiver;
  let service: SandboxedService;

  beforeEach(async () => {
    receiver = await startEventReceiver();
    service = await startSandboxedService(receiver.settings);
  });

  afterEach(async () => {
    await service.close();
    await receiver.close();
  });

  /** Sends the events that are due. */
  const runEvents = () => service.app.get(WebhookScheduler).runOnce();
  /** Cancels a new verification, and sends its event. */
  const cancel = async (phoneNumber = '+14155552671'): Promise<void> => {
    const { body } = await service.http.post('/otp/send').send({ phoneNumber }).expect(200);
    await service.http.delete(`/otp/${body.pinId}`).expect(204);
    await runEvents();
  };
  const readMetric = async (name: string, labels: Record<string, string> = {}) =>
    (await scrape(service.url)).find(
      (sample) =>
        sample.name === name &&
        Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    )?.value;
  const countEvents = (outcome: string) =>
    readMetric('otp_events_total', { type: 'verification.cancelled', outcome });

  /** Holds the answer to the next post. */
  function holdNextPost(): { posted: Promise<void>; answerPost: (status?: number) => void } {
    let held: ServerResponse | undefined;
    const posted = new Promise<void>((resolve) => {
      receiver.answer((response) => {
        held = response;
        resolve();
      });
    });
    const answerPost = (status = 204): void => {
      receiver.answer(ACCEPTED);
      held?.writeHead(status).end();
    };
    return { posted, answerPost };
  }

  let redirectedRequests = 0;
  const redirectTarget = createServer((_request, response) => {
    redirectedRequests += 1;
    response.end();
  });
  beforeAll(
    () => new Promise<void>((resolve) => void redirectTarget.listen(0, '127.0.0.1', resolve)),
  );
  afterAll(() => redirectTarget.close());
  const redirect: Script = (response) => {
    const { port } = redirectTarget.address() as AddressInfo;
    response.writeHead(307, { location: `http://127.0.0.1:${String(port)}/` }).end();
  };

  it.each<[string, Script, string]>([
    ['answers 500', reply(500, {}), 'status_500'],
    ['redirects', redirect, 'status_307'],
    ['breaks the connection', dropConnection, 'UND_ERR_SOCKET'],
    ['does not answer in time', hang, 'timeout'],
  ])('sends an event again, with its id, if the receiver %s', async (_what, fault, reason) => {
    if (fault === hang) service.app.get(WebhookClient).timeoutMs = 200;
    receiver.answer(fault);
    await cancel();
    service.app.get(WebhookClient).timeoutMs = POST_TIMEOUT_MS;
    expect(service.log.text).toContain(`accepts no events (${reason})`);
    // The event is due again after five seconds, plus up to a tenth.
    await runEvents();
    expect(receiver.requests).toHaveLength(1);

    receiver.answer(ACCEPTED);
    service.clock.advance(seconds(6));
    await runEvents();
    service.clock.advance(hours(25));
    await runEvents();

    expect(receiver.requests).toHaveLength(2);
    expect(new Set(receiver.getIds()).size).toBe(1);
    expect(redirectedRequests).toBe(0);
    expect([await countEvents('sent'), await countEvents('failed')]).toEqual([1, 1]);
  });

  it('accepts an answer with a long body, and does not read the body to its end', async () => {
    service.app.get(WebhookClient).timeoutMs = minutes(5);
    let writtenBytes = 0;
    // The body has no end, so only the service closes the connection.
    const closed = new Promise<void>((resolve) => {
      receiver.answer((response) => {
        response.writeHead(200);
        const timer = setInterval(() => {
          response.write('x'.repeat(1024));
          writtenBytes += 1024;
        }, 5);
        response.on('close', () => {
          clearInterval(timer);
          resolve();
        });
      });
    });
    await cancel();

    expect(await countEvents('sent')).toBe(1);
    await closed;
    expect(writtenBytes).toBeLessThan(1024 * 1024);
  });

  it('sends an event again for a day, less and less often, and then gives up', async () => {
    receiver.answer(reply(503, {}));
    await cancel();
    const start = service.clock.now();
    const retriedAfterMs: number[] = [];
    while (service.clock.now() < start + hours(48)) {
      const postsBefore = receiver.requests.length;
      service.clock.advance(minutes(5));
      await runEvents();
      if (receiver.requests.length > postsBefore) retriedAfterMs.push(service.clock.now() - start);
    }

    const expectedAfterMs = [5, 10, 30, 120, 360, 720, 1_440].map(minutes);
    expect(retriedAfterMs).toHaveLength(expectedAfterMs.length);
    for (const [index, ms] of expectedAfterMs.entries()) {
      // Each delay is up to a tenth longer at random, and this loop has steps of five minutes.
      expect(retriedAfterMs[index]).toBeGreaterThanOrEqual(ms);
      expect(retriedAfterMs[index]).toBeLessThanOrEqual(ms * 1.1 + minutes(5));
    }
    expect(await countEvents('abandoned')).toBe(1);
    expect(service.log.text).toContain('was not accepted for a day: given up (status_503)');
  });

  it('does not count an event as abandoned if its number is erased during the last try', async () => {
    receiver.answer(reply(503, {}));
    await cancel('+14155552672');
    service.clock.advance(hours(25));
    const { posted, answerPost } = holdNextPost();
    const lastTry = runEvents();
    await posted;
    await service.http.post('/otp/numbers/erase').send({ phoneNumber: '+14155552672' }).expect(204);
    answerPost(503);
    await lastTry;

    expect(receiver.requests).toHaveLength(2);
    expect(await countEvents('abandoned')).toBe(0);
    expect(service.log.text).not.toContain('given up');
  });

  it('shows the age of the oldest waiting event in a metric', async () => {
    expect(await readMetric('otp_events_oldest_waiting_seconds')).toBe(0);
    receiver.answer(reply(500, {}));
    await cancel();
    service.clock.advance(minutes(3));
    expect(await readMetric('otp_events_oldest_waiting_seconds')).toBe(180);

    receiver.answer(ACCEPTED);
    await runEvents();

    expect(await readMetric('otp_events_oldest_waiting_seconds')).toBe(0);
  });

  it('adds the events of expired codes, and updates that metric, while it waits for an answer', async () => {
    await service.http.post('/otp/send').send({ phoneNumber: '+14155552672' }).expect(200);
    const first = holdNextPost();
    void cancel();
    await first.posted;
    service.clock.advance(minutes(6));
    const second = holdNextPost();
    await service.app.get(WebhookScheduler).runAtInterval();
    await second.posted;

    expect(await readMetric('otp_events_oldest_waiting_seconds')).toBe(360);
    expect(receiver.getEvents().at(-1)?.type).toBe('verification.expired');
    second.answerPost();
    first.answerPost();
  });

  it('removes the event of a verification that is not stored, and logs it, without a retry', async () => {
    const database = service.app.get(Database);
    // A report may write an event while its verification is being erased or deleted.
    await database.run((batch) =>
      batch.add(
        {
          name: 'test.insert_event',
          text: `insert into outbox (event_id, pin_id, subject, type, client, occurred_at, created_at,
            due_at, tries, state) values ('event-1', 'erased', '', 'verification.expired', 'shop', 0, $1, 0, 0, 'waiting')`,
        },
        [service.clock.now()],
      ),
    );
    await runEvents();

    const { row } = await database.run((batch) =>
      batch.add<{ events: number }>(
        { name: 'test.count_events', text: 'select count(*) as events from outbox' },
        [],
      ),
    );
    expect(row?.events).toBe(0);
    expect(receiver.requests).toHaveLength(0);
    expect(service.log.text).not.toContain('accepts no events');
    expect(service.log.text).toContain('Event event-1 (verification.expired) was not sent: ');
  });

  it('names OTP_SECRET in the log if it cannot decrypt an event, and not the receiver', async () => {
    const database = service.app.get(Database);
    const replaceKeyId = (keyId: string) =>
      database.run((batch) =>
        batch.add(
          {
            name: 'test.replace_key_id',
            text: 'update verifications set sealed = $1 || substr(sealed, 7)',
          },
          [keyId],
        ),
      );
    const sent = await service.http.post('/otp/send').send({ phoneNumber: '+14155552671' });
    const { row } = await database.run((batch) =>
      batch.add<{ id: string }>(
        { name: 'test.read_key_id', text: 'select substr(sealed, 1, 6) as id from verifications' },
        [],
      ),
    );
    await replaceKeyId('AAAAAA');
    await service.http.delete(`/otp/${String(sent.body.pinId)}`).expect(204);
    await runEvents();

    expect(receiver.requests).toHaveLength(0);
    expect(service.log.text).not.toContain('accepts no events');
    expect(service.log.text).toContain(
      'cannot be decrypted (stored_data_unreadable). OTP_SECRET no longer lists the secret',
    );

    await replaceKeyId(row?.id ?? '');
    service.clock.advance(minutes(6));
    await runEvents();
    expect(receiver.requests).toHaveLength(1);
    expect(service.log.text).not.toContain('accepts events again');
  });

  it('sends a new event while an earlier post waits for its answer', async () => {
    service.app.get(WebhookClient).timeoutMs = minutes(5);
    const first = holdNextPost();
    void cancel();
    await first.posted;
    const second = holdNextPost();
    void cancel('+14155552672');
    await second.posted;

    expect(receiver.requests).toHaveLength(2);
    second.answerPost();
    first.answerPost();
  });

  it('has at most eight posts at a time', async () => {
    const waiting: ServerResponse[] = [];
    receiver.answer((response) => waiting.push(response));
    for (let i = 10; i < 22; i += 1) {
      const phoneNumber = `+141555526${String(i)}`;
      const { body } = await service.http.post('/otp/send').send({ phoneNumber }).expect(200);
      await service.http.delete(`/otp/${body.pinId}`).expect(204);
    }
    const run = runEvents();
    await waitUntil(async () => waiting.length >= 8);

    const claim = jest.spyOn(service.app.get(Outbox), 'claim');
    void service.app.get(WebhookSender).sendDue();
    await setImmediate();
    expect(claim).not.toHaveBeenCalled();
    expect(receiver.requests).toHaveLength(8);

    receiver.answer(ACCEPTED);
    for (const response of waiting) response.writeHead(204).end();
    await run;
    expect(receiver.requests).toHaveLength(12);
  });

  it('does not send an accepted event again if the database first fails to mark it as sent', async () => {
    const outbox = service.app.get(Outbox);
    jest.spyOn(outbox, 'markSent').mockRejectedValueOnce(new Error('the database is away'));
    await cancel();
    service.clock.advance(hours(1));
    await runEvents();

    expect(receiver.requests).toHaveLength(1);
    expect(await countEvents('sent')).toBe(1);
  });

  it('waits for the answers to running posts before it stops', async () => {
    const { posted, answerPost } = holdNextPost();
    void cancel();
    await posted;
    const outbox = service.app.get(Outbox);
    const markSent = jest.spyOn(outbox, 'markSent');
    const closed = service.app.close();
    answerPost();
    await closed;

    expect(markSent).toHaveBeenCalledTimes(1);
    // `afterEach` closes a running service.
    service = await startSandboxedService(receiver.settings);
  });

  // This test fails if webhook-client.ts does not look whether `stop` is aborted already.
  it('makes no post that begins after a shutdown has aborted the posts', async () => {
    const client = service.app.get(WebhookClient);
    client.timeoutMs = minutes(5);

    await expect(client.post('id', '{}', AbortSignal.abort())).rejects.toThrow('timeout');
    expect(receiver.requests).toEqual([]);
  });

  describe('if it is stopped while it claims events', () => {
    let claiming: Promise<void>;
    let endClaim = (): void => undefined;

    beforeEach(() => {
      const outbox = service.app.get(Outbox);
      const claim = outbox.claim.bind(outbox);
      const claimEnded = new Promise<void>((resolve) => (endClaim = resolve));
      claiming = new Promise<void>((resolve) => {
        jest.spyOn(outbox, 'claim').mockImplementation(async (count) => {
          const claimed = await claim(count);
          if (claimed.length > 0) {
            resolve();
            await claimEnded;
          }
          return claimed;
        });
      });
    });

    // `afterEach` closes a running service.
    afterEach(async () => {
      service = await startSandboxedService(receiver.settings);
    });

    it('waits for the answers to their posts', async () => {
      const markSent = jest.spyOn(service.app.get(Outbox), 'markSent');
      const { posted, answerPost } = holdNextPost();
      void cancel();
      await claiming;
      const closed = service.app.close();
      endClaim();
      await posted;
      answerPost();
      await closed;

      expect(markSent).toHaveBeenCalledTimes(1);
    });

    it('aborts their posts after some time, and leaves their events due', async () => {
      const postpone = jest.spyOn(service.app.get(Outbox), 'postpone');
      service.app.get(WebhookClient).timeoutMs = minutes(5);
      service.app.get(WebhookSender).stopTimeoutMs = scaleTimeLimit(500);
      receiver.answer(hang);
      void cancel();
      await claiming;
      const closed = service.app.close();
      endClaim();
      await closed;

      expect(receiver.requests).toHaveLength(1);
      expect(postpone.mock.calls.map(([, until]) => until)).toEqual([service.clock.now()]);
      expect(service.log.text).not.toContain('accepts no events');
    });
  });
});

describe('Without EVENTS_URL', () => {
  it('there are no events, and no metrics of them', async () => {
    const service = await startSandboxedService();

    expect(() => service.app.get(WebhookScheduler)).toThrow();
    const names = (await scrape(service.url)).map(({ name }) => name);
    expect(names.filter((name) => name.startsWith('otp_events'))).toEqual([]);
    await service.close();
  });
});
