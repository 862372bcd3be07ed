import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { startPostgres, type PostgresServer } from '../support/engines/postgres.js';
import { startFleet, type Fleet } from '../support/outage/fleet.js';
import { newPhone } from '../support/outage/load.js';
import { expectProblem } from '../support/problem.js';
import type { Replica } from '../support/replica.js';

const PRELOAD = pathToFileURL(resolve('test/support/outage/skewed-clock.mjs')).href;
const STARTING_MS = 60_000;
const MINUTE_MS = 60_000;
const COOLDOWN_MS = 2_000;
const TTL_MS = 3_000;
/** How far from the right moment something may happen, on a machine that is busy with other tests. */
const TOLERANCE_MS = 1_000;
/** How far the times of two replicas may be apart: they read the database's over a network. */
const APART_MS = 100;

let postgres: PostgresServer;
let sandbox: Sandbox;

beforeAll(async () => {
  postgres = await startPostgres();
  sandbox = await startSandbox({ port: 0 });
}, STARTING_MS);

afterAll(async () => {
  await sandbox.close();
  await postgres.stop();
});

describe.each([
  ['ahead', MINUTE_MS],
  ['behind', -MINUTE_MS],
])('Of two replicas, one with its clock a minute %s,', (_title, skewMs) => {
  let fleet: Fleet;
  /** Asks one replica first and then the other, in both orders at the same time. */
  const inBothOrders = async (
    work: (one: Replica, other: Replica) => Promise<void>,
  ): Promise<void> => {
    const [right, wrong] = fleet.replicas;
    await Promise.all([work(right, wrong), work(wrong, right)]);
  };

  beforeAll(async () => {
    fleet = await startFleet(
      sandbox,
      {
        DATABASE_URL: await postgres.createDatabase(),
        SEND_COOLDOWN: `${String(COOLDOWN_MS)}ms`,
        OTP_TTL: `${String(TTL_MS)}ms`,
        LOG_LEVEL: 'debug',
      },
      { settings: { CLOCK_SKEW_MS: String(skewMs) }, options: { preload: PRELOAD } },
    );
  }, STARTING_MS);
  afterAll(() => fleet.stop());

  const send = ({ http }: Replica, phoneNumber: string) =>
    http.post('/otp/send').send({ phoneNumber });
  const verify = ({ http }: Replica, pinId: string, otpCode: string) =>
    http.post('/otp/verify').send({ pinId, otpCode });

  it('the one logs wrong times', () => {
    const [right, wrong] = fleet.replicas.map(({ output }) =>
      Date.parse(/"time":"([^"]+)"/.exec(output)?.[1] ?? ''),
    ) as [number, number];
    expect(Math.abs(wrong - right - skewMs)).toBeLessThan(MINUTE_MS / 2);
  });

  it('each answers the right times', async () => {
    await inBothOrders(async (replica) => {
      const askedAt = Date.now();
      const { body } = await send(replica, newPhone()).expect(200);
      const answeredAt = Date.now();

      const { expiresAt, resendAvailableAt } = body;
      for (const sentAt of [
        Date.parse(expiresAt) - TTL_MS,
        Date.parse(resendAvailableAt) - COOLDOWN_MS,
      ]) {
        expect(sentAt).toBeGreaterThanOrEqual(askedAt - APART_MS);
        expect(sentAt).toBeLessThanOrEqual(answeredAt + APART_MS);
      }
    });
  });

  it('each keeps to the cooldown that the other began', async () => {
    await inBothOrders(async (one, other) => {
      const phoneNumber = newPhone();
      const askedAt = performance.now();
      await send(one, phoneNumber).expect(200);
      const answeredAt = performance.now();

      let response = await send(other, phoneNumber);
      expectProblem(response, 429, 'cooldown_active');
      expect(Number(response.headers['retry-after'])).toBeLessThanOrEqual(2);
      let freeAt = NaN;
      while (
        response.status === 429 &&
        performance.now() < answeredAt + COOLDOWN_MS + TOLERANCE_MS
      ) {
        await delay(20);
        response = await send(other, phoneNumber);
        freeAt = performance.now();
      }
      expect(response.status).toBe(200);
      expect(freeAt).toBeGreaterThanOrEqual(askedAt + COOLDOWN_MS - APART_MS);
    });
  });

  it('each verifies what the other sent', async () => {
    await inBothOrders(async (one, other) => {
      const phoneNumber = newPhone();
      const { body } = await send(one, phoneNumber).expect(200);
      const [code = ''] = await fleet.codesOf(phoneNumber);
      await verify(other, body.pinId, code).expect(200, { verified: true });
    });
  });

  it('each lets what the other sent expire', async () => {
    await inBothOrders(async (one, other) => {
      const phoneNumber = newPhone();
      const askedAt = performance.now();
      const { pinId } = (await send(one, phoneNumber).expect(200)).body;
      const answeredAt = performance.now();
      const [code = ''] = await fleet.codesOf(phoneNumber);

      let status = 'pending';
      let expiredAt = NaN;
      while (status === 'pending' && performance.now() < answeredAt + TTL_MS + TOLERANCE_MS) {
        await delay(20);
        status = (await other.http.get(`/otp/${pinId}`).expect(200)).body.status;
        expiredAt = performance.now();
      }
      expect(status).toBe('expired');
      expect(expiredAt).toBeGreaterThanOrEqual(askedAt + TTL_MS - APART_MS);
      await verify(other, pinId, code).expect(200, { verified: false, reason: 'expired' });
    });
  });

  it('each knows the request that the other answered', async () => {
    await inBothOrders(async (one, other) => {
      const phoneNumber = newPhone();
      const key = phoneNumber;
      const { body } = await send(one, phoneNumber).set('idempotency-key', key).expect(200);
      await send(other, phoneNumber)
        .set('idempotency-key', key)
        .expect(200, body)
        .expect('idempotency-replayed', 'true');
      expect(await fleet.codesOf(phoneNumber)).toHaveLength(1);
    });
  });
});
