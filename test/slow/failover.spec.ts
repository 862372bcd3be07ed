import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Libsql from 'libsql';
import { newPhoneNumber } from '../support/outage/load-generator.js';
import {
  PooledClient,
  quantile,
  runConcurrently,
  type TimedResponse,
} from '../support/providers/pooled-client.js';
import {
  startFakeProvider,
  type FakeProvider,
  type FailureMode,
} from '../support/providers/fake-provider.js';
import { startReplica, type Replica } from '../support/replica.js';
import { scaled } from '../support/time-scale.js';

const SENDS = 2_000;
const AT_ONCE = 16;
/** Sends that are timed alone, each beside one of a service that only knows the healthy provider. */
const PAIRS = 60;
const PROVIDER_TIMEOUT_MS = 3_000;
/** Of a send, with two providers. */
const DEADLINE_MS = 2 * PROVIDER_TIMEOUT_MS;
/** As slow as two services on a busy machine may answer, apart from what they wait for. */
const SLACK_MS = scaled(2_000);
const CLOSE_TO_HEALTHY_MS = scaled(20);
const STORY_MS = 170_000;
const STARTING_MS = 60_000;

const TROUBLES: [FailureMode, ambiguous: boolean][] = [
  ['refuses connections', false],
  ['hangs', true],
  ['answers 500', true],
  ['answers garbage', true],
  ['answers 429', false],
];

describe.each(TROUBLES)('When Infobip %s and Sinch is healthy,', (trouble, ambiguous) => {
  let infobip: FakeProvider;
  let sinch: FakeProvider;
  let dataDir: string;
  let service: Replica;
  let healthy: Replica;
  /** By the phone that they were for. */
  let sends: Map<string, TimedResponse>;
  let texts: Record<'infobip' | 'sinch', Map<string, string[]>>;
  let verified: number;
  let slowerByMs: number[];
  let backAgain: TimedResponse;

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'otp-failover-'));
    [infobip, sinch] = await Promise.all([startFakeProvider(), startFakeProvider()]);
    const settings = {
      NODE_ENV: 'test',
      INFOBIP_BASE_URL: infobip.url,
      SINCH_BASE_URL: sinch.url,
      PROVIDER_TIMEOUT: `${String(PROVIDER_TIMEOUT_MS)}ms`,
      PUMPING_GUARD: 'off',
    };
    [service, healthy] = await Promise.all([
      startReplica({ ...settings, PROVIDERS: 'infobip,sinch', DATA_DIR: dataDir }),
      startReplica({ ...settings, PROVIDERS: 'sinch', DATA_DIR: join(dataDir, 'healthy') }),
    ]);
  }, STARTING_MS);

  afterAll(async () => {
    await Promise.all([service.stop(), healthy.stop()]);
    await Promise.all([infobip.close(), sinch.close()]);
    rmSync(dataDir, { recursive: true });
  });

  beforeAll(async () => {
    const [troubled, untroubled] = [
      new PooledClient(service, AT_ONCE),
      new PooledClient(healthy, 1),
    ];
    const send = (client: PooledClient, phoneNumber: string) =>
      client.post('/otp/send', { phoneNumber });
    [sends, slowerByMs, verified] = [new Map(), [], 0];
    await infobip.startFailing(trouble);
    await runConcurrently(SENDS, AT_ONCE, async () => {
      const phoneNumber = newPhoneNumber();
      sends.set(phoneNumber, await send(troubled, phoneNumber));
    });
    await runConcurrently(PAIRS, 1, async () => {
      const one = await send(troubled, newPhoneNumber());
      const other = await send(untroubled, newPhoneNumber());
      slowerByMs.push(one.durationMs - other.durationMs);
    });
    const phones = [...sends.keys()];
    texts = { infobip: await infobip.listCodes(), sinch: await sinch.listCodes() };
    await runConcurrently(phones.length, AT_ONCE, async (index) => {
      const phoneNumber = phones[index] ?? '';
      const [otpCode] = texts.sinch.get(phoneNumber) ?? [];
      const pinId = sends.get(phoneNumber)?.body['pinId'];
      const { body } = await troubled.post('/otp/verify', { pinId, otpCode });
      if (body['verified'] === true) verified += 1;
    });
    await infobip.stopFailing(trouble);
    backAgain = await comeBack(troubled);
    await Promise.all([troubled.close(), untroubled.close()]);
  }, STORY_MS);

  /** Sends until Infobip has taken one, and tries its code. */
  async function comeBack(client: PooledClient): Promise<TimedResponse> {
    for (;;) {
      const phoneNumber = newPhoneNumber();
      const { body } = await client.post('/otp/send', { phoneNumber });
      const [otpCode] = await infobip.codesOf(phoneNumber);
      if (otpCode !== undefined) {
        return client.post('/otp/verify', { pinId: body['pinId'], otpCode });
      }
      await delay(50);
    }
  }

  it('at least 99.9 % of 2,000 sends end in a code that verifies', () => {
    expect(verified).toBeGreaterThanOrEqual(0.999 * SENDS);
  });

  it('every send is answered within the deadline', () => {
    const took = [...sends.values()].map(({ durationMs }) => durationMs);
    expect(quantile(took, 0.5)).toBeLessThan(DEADLINE_MS);
    expect(quantile(took, 0.99)).toBeLessThan(DEADLINE_MS + SLACK_MS);
  });

  it('sends are as fast as healthy ones, once the circuit is open', () => {
    expect(service.output).toContain('infobip send: circuit open');
    expect(quantile(slowerByMs, 0.5)).toBeLessThan(CLOSE_TO_HEALTHY_MS);
  });

  it('no send makes more than one accepted call at either', () => {
    for (const phoneNumber of sends.keys()) {
      expect(texts.infobip.get(phoneNumber)?.length ?? 0).toBeLessThanOrEqual(1);
      expect(texts.sinch.get(phoneNumber)?.length ?? 0).toBeLessThanOrEqual(1);
    }
    expect(texts.infobip.size > 0).toBe(ambiguous);
  });

  it('Infobip is used again by itself when it is back', () => {
    expect(backAgain.body).toEqual({ verified: true });
    expect(service.output).toContain('infobip send: circuit closed');
  });

  it(`${ambiguous ? 'each' : 'no'} text that it may have sent is marked, in the record and the log`, () => {
    const database = new Libsql(join(dataDir, 'otp.db'));
    const marks = database
      .prepare('select maybe_texted, provider, count(*) as n from verifications group by 1, 2')
      .all() as { maybe_texted: string; provider: string; n: number }[];
    database.close();
    const logged = service.output.split('; a message may have been sent').length - 1;

    const marked = marks.filter(({ maybe_texted }) => maybe_texted !== '');
    expect(marked).toEqual(
      ambiguous ? [{ maybe_texted: 'infobip', provider: 'sinch', n: logged }] : [],
    );
    expect(logged > 0).toBe(ambiguous);
  });
});
