import { queryPostgres } from '../support/services/postgres-client.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { sendRedisCommand } from '../support/services/redis-client.js';
import { startRedis, type RedisServer } from '../support/services/redis.js';

const START_TIMEOUT_MS = 60_000;

describe('A PostgreSQL server of one spec', () => {
  let postgres: PostgresServer;
  beforeAll(async () => {
    postgres = await startPostgres({ dedicated: true });
  }, START_TIMEOUT_MS);
  afterAll(() => postgres.stop());

  it('keeps committed rows over an outage', async () => {
    const database = await postgres.createDatabase();
    await queryPostgres(database, 'CREATE TABLE kept (n int)', 'INSERT INTO kept VALUES (42)');

    await postgres.shutDown();
    await expect(queryPostgres(database, 'SELECT n FROM kept')).rejects.toThrow(/refused/i);

    await postgres.restart();
    expect(await queryPostgres(database, 'SELECT n FROM kept')).toBe('42');
  });
});

describe('A Redis server of one spec', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis({ dedicated: true });
  }, START_TIMEOUT_MS);
  afterAll(() => redis.stop());

  it('answers before and after an outage', async () => {
    expect(await sendRedisCommand(redis.url, 'PING')).toBe('+PONG');

    await redis.shutDown();
    await expect(sendRedisCommand(redis.url, 'PING')).rejects.toThrow('ECONNREFUSED');

    await redis.restart();
    expect(await sendRedisCommand(redis.url, 'PING')).toBe('+PONG');
  });

  it('is empty after a flush', async () => {
    await sendRedisCommand(redis.url, 'SET', 'key', 'value');
    await redis.flush();
    expect(await sendRedisCommand(redis.url, 'DBSIZE')).toBe(':0');
  });
});

describe('The shared servers of the test run', () => {
  it('cannot be shut down by one spec', async () => {
    process.env['TEST_DATABASE_URL'] = 'postgres://127.0.0.1/postgres';
    process.env['TEST_REDIS_URL'] = 'redis://127.0.0.1';
    const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
    await expect(postgres.shutDown()).rejects.toThrow('dedicated');
    await expect(redis.shutDown()).rejects.toThrow('dedicated');
  });
});
