import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { startFleet, type Fleet } from '../support/outage/fleet.js';
import { newPhoneNumber } from '../support/outage/load-generator.js';
import { expectProblem } from '../support/problem.js';
import type { Replica } from '../support/replica.js';

const PRELOAD = pathToFileURL(resolve('test/support/outage/skewed-clock.mjs')).href;
const START_TIMEOUT_MS = 60_000;
const MINUTE_MS = 60_000;
const COOLDOWN_MS = 2_000;
const TTL_MS = 3_000;
/** How late a code may expire or a cooldown may end on a machine that is busy with other tests. */
const TOLERANCE_MS = 1_000;
/** How far the clocks of two replicas may differ: they read the database's time over a network. */
const MAX_CLOCK_DIFFERENCE_MS = 150;

describe('Three replicas, one with the right time, one a minute ahead and one a minute behind', () => {
  let postgres: PostgresServer;
  let sandbox: Sandbox;
  let fleet: Fleet<readonly Replica[]>;

  beforeAll(async () => {
    postgres = await startPostgres();
    sandbox = await startSandbox({ port: 0 });
    fleet = await startFleet(
      sandbox,
      {
        DATABASE_URL: await postgres.createDatabase(),
        SEND_COOLDOWN: `${String(COOLDOWN_MS)}ms`,
        OTP_TTL: `${String(TTL_MS)}ms`,
        LOG_LEVEL: 'debug',
      },
      [{}],
      ...[MINUTE_MS, -MINUTE_MS].map(
        (skewMs) => [{ CLOCK_SKEW_MS: String(skewMs) }, { preload: PRELOAD }] as const,
      ),
    );
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await fleet.stop();
    await sandbox.close();
    await postgres.stop();
  });

  /** Runs the test with every ordered pair of replicas, all at once. */
  const forEveryPair = async (
    test: (one: Replica, other: Replica) => Promise<void>,
  ): Promise<void> => {
    const { replicas } = fleet;
    await Promise.all(
      replicas.flatMap((one) =>
        replicas.filter((other) => other !== one).map((other) => test(one, other)),
      ),
    );
  };

  const send = ({ http }: Replica, phoneNumber: string) =>
    http.post('/otp/send').send({ phoneNumber });
  const verify = ({ http }: Replica, pinId: string, otpCode: string) =>
    http.post('/otp/verify').send({ pinId, otpCode });

  it('log the times of their own clocks', () => {
    const [right = NaN, ...wrong] = fleet.replicas.map(({ output }) =>
      Date.parse(/"time":"([^"]+)"/.exec(output)?.[1] ?? ''),
    );
    const minutesOff = wrong.map((time) => Math.round((time - right) / MINUTE_MS));
    expect(minutesOff).toEqual([1, -1]);
  });

  it('return the right times', async () => {
    await forEveryPair(async (replica) => {
      const requestedAt = Date.now();
      const { body } = await send(replica, newPhoneNumber()).expect(200);
      const respondedAt = Date.now();

      for (const sentAt of [
        Date.parse(body.expiresAt) - TTL_MS,
        Date.parse(body.resendAvailableAt) - COOLDOWN_MS,
      ]) {
        expect(sentAt).toBeGreaterThanOrEqual(requestedAt - MAX_CLOCK_DIFFERENCE_MS);
        expect(sentAt).toBeLessThanOrEqual(respondedAt + MAX_CLOCK_DIFFERENCE_MS);
      }
    });
  });

  it('reject a send during the whole cooldown that another replica started, and no longer', async () => {
    await forEveryPair(async (one, other) => {
      const phoneNumber = newPhoneNumber();
      const requestedAt = performance.now();
      await send(one, phoneNumber).expect(200);
      const deadline = performance.now() + COOLDOWN_MS + TOLERANCE_MS;

      let response = await send(other, phoneNumber);
      expectProblem(response, 429, 'cooldown_active');
      expect(Number(response.headers['retry-after'])).toBeLessThanOrEqual(
        Math.ceil((COOLDOWN_MS + MAX_CLOCK_DIFFERENCE_MS) / 1_000),
      );
      for (let askedAt = 0; response.status === 429 && askedAt < deadline;) {
        await delay(20);
        askedAt = performance.now();
        response = await send(other, phoneNumber);
      }
      expect(response.status).toBe(200);
      expect(performance.now()).toBeGreaterThanOrEqual(
        requestedAt + COOLDOWN_MS - MAX_CLOCK_DIFFERENCE_MS,
      );
    });
  });

  it('verify a code that another replica sent', async () => {
    await forEveryPair(async (one, other) => {
      const phoneNumber = newPhoneNumber();
      const { body } = await send(one, phoneNumber).expect(200);
      const [code = ''] = await fleet.getReceivedCodes(phoneNumber);
      await verify(other, body.pinId, code).expect(200, { verified: true });
    });
  });

  it('expire a code that another replica sent after OTP_TTL', async () => {
    await forEveryPair(async (one, other) => {
      const phoneNumber = newPhoneNumber();
      const requestedAt = performance.now();
      const { pinId } = (await send(one, phoneNumber).expect(200)).body;
      const deadline = performance.now() + TTL_MS + TOLERANCE_MS;
      const [code = ''] = await fleet.getReceivedCodes(phoneNumber);

      let status = 'pending';
      for (let askedAt = 0; status === 'pending' && askedAt < deadline;) {
        await delay(20);
        askedAt = performance.now();
        status = (await other.http.get(`/otp/${pinId}`).expect(200)).body.status;
      }
      expect(status).toBe('expired');
      expect(performance.now()).toBeGreaterThanOrEqual(
        requestedAt + TTL_MS - MAX_CLOCK_DIFFERENCE_MS,
      );
      await verify(other, pinId, code).expect(200, { verified: false, reason: 'expired' });
    });
  });

  it('replay a response of another replica for the same idempotency key', async () => {
    await forEveryPair(async (one, other) => {
      const phoneNumber = newPhoneNumber();
      const key = phoneNumber;
      const { body } = await send(one, phoneNumber).set('idempotency-key', key).expect(200);
      await send(other, phoneNumber)
        .set('idempotency-key', key)
        .expect(200, body)
        .expect('idempotency-replayed', 'true');
      expect(await fleet.getReceivedCodes(phoneNumber)).toHaveLength(1);
    });
  });
});
