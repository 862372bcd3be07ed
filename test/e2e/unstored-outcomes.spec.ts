import { scrape, total, type Sample } from '../support/metrics.js';
import { expectProblem } from '../support/problem.js';
import {
  messageSent,
  reply,
  startScriptedUpstream,
  type Script,
  type ScriptedUpstream,
} from '../support/scripted-upstream.js';
import { startService, type RunningService } from '../support/service.js';
import { queryPostgres } from '../support/services/postgres-client.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';

const NUMBER = '+14155552671';
const checked = { pinId: 'PIN', msisdn: '14155552671', attemptsRemaining: 4 };

describe('When the result of a provider call cannot be stored', () => {
  let postgres: PostgresServer;
  let url: string;
  let upstream: ScriptedUpstream;
  let service: RunningService;

  beforeAll(async () => {
    postgres = await startPostgres();
  });

  beforeEach(async () => {
    url = await postgres.createDatabase();
    upstream = await startScriptedUpstream();
    service = await startService({ DATABASE_URL: url, INFOBIP_BASE_URL: upstream.url });
  });

  afterEach(async () => {
    await service.close();
    await upstream.close();
  });

  afterAll(() => postgres.stop());

  const send = () => service.http.post('/otp/send').send({ phoneNumber: NUMBER });
  /** Makes every later write fail, and then responds. */
  const breakStorage =
    (script: Script): Script =>
    (response) => {
      void queryPostgres(url, 'alter table verifications rename to hidden').then(() => {
        script(response);
      });
    };
  const count = (samples: Sample[], names: readonly string[], labels: Sample['labels'] = {}) =>
    names.map((name) => total(samples, name, labels));

  // This test fails if `send` in message-sender.ts emits the event only after `confirmSend`.
  it.each(['send', 'resend'] as const)(
    'the log and the metrics have an accepted message once (%s)',
    async (operation) => {
      upstream.answer(messageSent);
      const pinId = operation === 'resend' ? ((await send()).body.pinId as string) : '';
      service.clock.advance(60_000);
      upstream.answer(breakStorage(messageSent));
      const before = await scrape(service.url);

      const request =
        operation === 'resend' ? service.http.post('/otp/resend').send({ pinId }) : send();
      expectProblem(await request, 503, 'storage_unavailable');

      const lines = service.log.events(operation);
      expect(lines).toMatchObject([{ outcome: 'accepted', provider: 'infobip' }]);
      const after = await scrape(service.url);
      const names = [`otp_${operation}s_total`, 'otp_client_sends_total'];
      const accepted = { outcome: 'accepted' };
      const added = count(before, names).map((value) => value + 1);
      expect(count(after, names)).toEqual(added);
      expect(count(after, names, accepted)).toEqual(added);
    },
  );

  // This test fails if `checkCode` in code-verification.service.ts emits no event after an error of the database.
  it.each([true, false])(
    'the log and the metrics have a checked code once, with an unknown outcome (right: %p)',
    async (verified) => {
      upstream.answer(messageSent);
      const { pinId } = (await send()).body;
      upstream.answer(breakStorage(reply(200, { ...checked, verified })));

      const response = await service.http.post('/otp/verify').send({ pinId, otpCode: '123456' });
      expectProblem(response, 503, 'storage_unavailable');

      const lines = service.log.events('verify');
      expect(lines).toMatchObject([{ outcome: 'unknown', provider: 'infobip' }]);
      const samples = await scrape(service.url);
      const names = ['otp_verifications_total', 'otp_client_verifications_total'];
      expect(count(samples, names)).toEqual([1, 1]);
      expect(count(samples, names, { outcome: 'unknown' })).toEqual([1, 1]);
    },
  );
});
