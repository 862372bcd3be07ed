import { setTimeout as delay } from 'node:timers/promises';
import { sendRedisCommand } from '../support/services/redis-client.js';
import { startRedis, type RedisServer } from '../support/services/redis.js';
import { expectProblem } from '../support/problem.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';
import { scaleTimeLimit } from '../support/time-scale.js';

const START_TIMEOUT_MS = 60_000;

describe('Rate limits shared through Redis', () => {
  let redis: RedisServer;
  const services: SandboxedService[] = [];

  beforeAll(async () => {
    redis = await startRedis({ dedicated: true });
  }, START_TIMEOUT_MS);
  afterAll(() => redis.stop());

  afterEach(async () => {
    await Promise.all(services.splice(0).map((service) => service.close()));
    await redis.restart();
    await redis.flush();
  });

  const start = async (): Promise<SandboxedService> => {
    const service = await startSandboxedService({
      REDIS_URL: redis.url,
      THROTTLE_SEND_LIMIT: '2',
      THROTTLE_VERIFY_LIMIT: '1000',
    });
    services.push(service);
    return service;
  };
  const send = ({ http }: SandboxedService) => http.post('/otp/send').send({});
  const verify = ({ http }: SandboxedService) => http.post('/otp/verify').send({});

  /** The number of connections to Redis, including the one of this query. */
  const countConnections = async (): Promise<number> => {
    const count = `return tonumber(redis.call('INFO', 'clients'):match('connected_clients:(%d+)'))`;
    const reply = await sendRedisCommand(redis.url, 'EVAL', count, '0');
    return Number(reply.replace(':', ''));
  };

  /** Makes verify requests until Redis counts them. These do not count towards the limit of sends. */
  const waitUntilConnected = async (service: SandboxedService): Promise<void> => {
    const deadline = Date.now() + 10_000;
    while ((await verify(service)).status === 503 && Date.now() < deadline) await delay(20);
    expectProblem(await verify(service), 400, 'validation_failed');
  };

  // This test fails without `new RedisThrottlerStorage` in throttling.module.ts.
  it('count the requests of all replicas', async () => {
    const [one, other] = [await start(), await start()];
    for (const service of [one, other]) await waitUntilConnected(service);
    expectProblem(await send(one), 400, 'validation_failed');
    expectProblem(await send(other), 400, 'validation_failed');

    expectProblem(await send(one), 429, 'too_many_requests');
    const response = await send(other);
    expectProblem(response, 429, 'too_many_requests');
    expect(Number(response.headers['retry-after'])).toBeLessThanOrEqual(60);
  });

  // This test fails without the `catch` of `increment` in RedisThrottlerStorage.
  it('reject every send and verify while Redis is down, and count again when Redis is back', async () => {
    const service = await start();
    await verify(service);
    await redis.shutDown();

    for (const post of [send, verify]) {
      const startedAt = Date.now();
      const response = await post(service);
      expectProblem(response, 503, 'storage_unavailable');
      expect(response.headers['retry-after']).toBe('5');
      expect(Date.now() - startedAt).toBeLessThan(scaleTimeLimit(2_000));
    }
    await service.http.get('/health/live').expect(200);

    await redis.restart();
    await waitUntilConnected(service);
    await send(service);
    await send(service);
    expectProblem(await send(service), 429, 'too_many_requests');
  });

  // This test fails without `.catch(() => undefined)` of the first connection in RedisThrottlerStorage.
  it('do not prevent a service from starting while Redis is down', async () => {
    await redis.shutDown();
    const service = await start();
    expectProblem(await send(service), 503, 'storage_unavailable');

    await redis.restart();
    await waitUntilConnected(service);
  });

  // This test fails without `assertStandalone` in throttling.module.ts.
  it.each(['cluster', 'sentinel'] as const)(
    'prevent the start with a server in %s mode, with an error that names the mode',
    async (mode) => {
      const server = await startRedis({ mode });
      const started = startSandboxedService({ REDIS_URL: server.url });
      const outcome = await started.catch((error: unknown) => (error as Error).message);
      if (typeof outcome !== 'string') await outcome.close();
      await server.stop();

      expect(outcome).toContain(`REDIS_URL leads to a server in ${mode} mode`);
    },
    START_TIMEOUT_MS,
  );

  // This test fails without `onApplicationShutdown` in RedisThrottlerStorage.
  it('close their connection when the service closes', async () => {
    const service = await start();
    await verify(service);
    // That of the service, and that of the query.
    expect(await countConnections()).toBe(2);

    await services.pop()?.close();
    const deadline = Date.now() + 10_000;
    while ((await countConnections()) > 1 && Date.now() < deadline) await delay(20);
    expect(await countConnections()).toBe(1);
  });
});
