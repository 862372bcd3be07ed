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
import { scaleTimeLimit } from '../support/time-scale.js';

const SENDS = 2_000;
const CONCURRENCY = 16;
/** Pairs of timed sends: the second one is to a service that uses only the healthy provider. */
const PAIRS = 60;
const PROVIDER_TIMEOUT_MS = 3_000;
/** The deadline of a send with two providers. */
const DEADLINE_MS = 2 * PROVIDER_TIMEOUT_MS;
/** How much later a response may be on a busy machine. */
const SLACK_MS = scaleTimeLimit(2_000);
const MAX_SLOWDOWN_MS = scaleTimeLimit(20);
const SCENARIO_TIMEOUT_MS = 170_000;
const START_TIMEOUT_MS = 60_000;

const FAILURE_MODES: [FailureMode, maybeSent: boolean][] = [
  ['refuses connections', false],
  ['hangs', true],
  ['answers 500', true],
  ['answers garbage', true],
  ['answers 429', false],
];

describe.each(FAILURE_MODES)('When Infobip %s and Sinch is healthy', (failureMode, maybeSent) => {
  let infobip: FakeProvider;
  let sinch: FakeProvider;
  let dataDir: string;
  let service: Replica;
  let healthy: Replica;
  /** By phone number. */
  let sends: Map<string, TimedResponse>;
  let codes: Record<'infobip' | 'sinch', Map<string, string[]>>;
  let verified: number;
  let slowerByMs: number[];
  let afterRecovery: TimedResponse;

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
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await Promise.all([service.stop(), healthy.stop()]);
    await Promise.all([infobip.close(), sinch.close()]);
    rmSync(dataDir, { recursive: true });
  });

  beforeAll(async () => {
    const [client, healthyClient] = [
      new PooledClient(service, CONCURRENCY),
      new PooledClient(healthy, 1),
    ];
    const send = (http: PooledClient, phoneNumber: string) =>
      http.post('/otp/send', { phoneNumber });
    [sends, slowerByMs, verified] = [new Map(), [], 0];
    await infobip.startFailing(failureMode);
    await runConcurrently(SENDS, CONCURRENCY, async () => {
      const phoneNumber = newPhoneNumber();
      sends.set(phoneNumber, await send(client, phoneNumber));
    });
    await runConcurrently(PAIRS, 1, async () => {
      const failover = await send(client, newPhoneNumber());
      const direct = await send(healthyClient, newPhoneNumber());
      slowerByMs.push(failover.durationMs - direct.durationMs);
    });
    const phones = [...sends.keys()];
    codes = { infobip: await infobip.listCodes(), sinch: await sinch.listCodes() };
    await runConcurrently(phones.length, CONCURRENCY, async (index) => {
      const phoneNumber = phones[index] ?? '';
      const [otpCode] = codes.sinch.get(phoneNumber) ?? [];
      const pinId = sends.get(phoneNumber)?.body['pinId'];
      const { body } = await client.post('/otp/verify', { pinId, otpCode });
      if (body['verified'] === true) verified += 1;
    });
    await infobip.stopFailing(failureMode);
    afterRecovery = await verifyByInfobip(client);
    await Promise.all([client.close(), healthyClient.close()]);
  }, SCENARIO_TIMEOUT_MS);

  /** Sends codes until Infobip accepts one, and verifies it. */
  async function verifyByInfobip(client: PooledClient): Promise<TimedResponse> {
    for (;;) {
      const phoneNumber = newPhoneNumber();
      const { body } = await client.post('/otp/send', { phoneNumber });
      const [otpCode] = await infobip.getReceivedCodes(phoneNumber);
      if (otpCode !== undefined) {
        return client.post('/otp/verify', { pinId: body['pinId'], otpCode });
      }
      await delay(50);
    }
  }

  it('at least 99.9 % of 2,000 sends end in a code that verifies', () => {
    expect(verified).toBeGreaterThanOrEqual(0.999 * SENDS);
  });

  it('every send gets a response within the deadline', () => {
    const took = [...sends.values()].map(({ durationMs }) => durationMs);
    expect(quantile(took, 0.5)).toBeLessThan(DEADLINE_MS);
    expect(quantile(took, 0.99)).toBeLessThan(DEADLINE_MS + SLACK_MS);
  });

  it('sends are as fast as to a healthy provider once the circuit is open', () => {
    expect(service.output).toContain('infobip send by sms: circuit open');
    expect(quantile(slowerByMs, 0.5)).toBeLessThan(MAX_SLOWDOWN_MS);
  });

  it('no send causes more than one message per provider', () => {
    for (const phoneNumber of sends.keys()) {
      expect(codes.infobip.get(phoneNumber)?.length ?? 0).toBeLessThanOrEqual(1);
      expect(codes.sinch.get(phoneNumber)?.length ?? 0).toBeLessThanOrEqual(1);
    }
    expect(codes.infobip.size > 0).toBe(maybeSent);
  });

  it('Infobip is used again when it has recovered', () => {
    expect(afterRecovery.body).toEqual({ verified: true });
    expect(service.output).toContain('infobip send by sms: circuit closed');
  });

  it(`the record and the log mark ${maybeSent ? 'the same number of sends' : 'no send'} as possibly sent by Infobip`, () => {
    const database = new Libsql(join(dataDir, 'otp.db'));
    const marks = database
      .prepare('select maybe_texted, provider, count(*) as n from verifications group by 1, 2')
      .all() as { maybe_texted: string; provider: string; n: number }[];
    database.close();
    const logged = service.output.split('; a message may have been sent').length - 1;

    const marked = marks.filter(({ maybe_texted }) => maybe_texted !== '');
    expect(marked).toEqual(
      maybeSent ? [{ maybe_texted: 'infobip', provider: 'sinch', n: logged }] : [],
    );
    expect(logged > 0).toBe(maybeSent);
  });
});
