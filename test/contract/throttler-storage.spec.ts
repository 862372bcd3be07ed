import { createServer, type AddressInfo } from 'node:net';
import { Logger } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';
import { hours, minutes, seconds } from '../../src/common/durations.js';
import { createLogger } from '../../src/observability/logger.js';
import { NestLogger } from '../../src/observability/nest-logger.js';
import { MemoryThrottlerStorage } from '../../src/throttling/memory-throttler-storage.js';
import { RedisThrottlerStorage } from '../../src/throttling/redis-throttler-storage.js';
import { sendRedisCommand } from '../support/services/redis-client.js';
import { startRedis, type RedisServer } from '../support/services/redis.js';
import { FakeClock } from '../support/fake-clock.js';
import { MemoryLog } from '../support/memory-log.js';
import { scaleTimeLimit } from '../support/time-scale.js';
import { waitUntil } from '../support/wait-until.js';

/** A storage, with what its tests need to move its time and to count its windows. */
interface StorageUnderTest {
  readonly storage: ThrottlerStorage;
  /** A number of windows that shows whether old ones are deleted. */
  readonly manyWindows: number;
  /** Waits until the windows of these keys have ended. None is longer than ttlMs. */
  endWindows(keys: readonly string[], ttlMs: number): Promise<void>;
  /** The number of windows in the storage. */
  size(): Promise<number>;
}

const oneUpTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

/** The behaviour that every ThrottlerStorage has. */
function describeThrottlerStorage(title: string, create: () => Promise<StorageUnderTest>): void {
  describe(title, () => {
    let subject: StorageUnderTest;
    beforeEach(async () => {
      subject = await create();
    });

    const hit = (key: string, ttlMs = minutes(1), limit = 2) =>
      subject.storage.increment(key, ttlMs, limit, ttlMs, 'send');

    it('counts the hits of a window', async () => {
      const notBlocked = { isBlocked: false, timeToBlockExpire: 0 };
      expect(await hit('a')).toEqual({ ...notBlocked, totalHits: 1, timeToExpire: 60 });
      expect(await hit('a')).toEqual({ ...notBlocked, totalHits: 2, timeToExpire: 60 });
    });

    it('blocks the hits over the limit for what remains of the window', async () => {
      await hit('a');
      await hit('a');

      expect(await hit('a')).toEqual({
        totalHits: 3,
        timeToExpire: 60,
        isBlocked: true,
        timeToBlockExpire: 60,
      });
    });

    it('does not extend the window by a later hit', async () => {
      await hit('a', minutes(1));

      expect(await hit('a', minutes(5))).toMatchObject({ totalHits: 2, timeToExpire: 60 });
    });

    it('counts from one again after the window has ended', async () => {
      await hit('a', 200, 1);
      await subject.endWindows(['a'], 200);

      expect(await hit('a', minutes(1), 1)).toMatchObject({ totalHits: 1, timeToExpire: 60 });
      expect(await hit('a', minutes(1), 1)).toMatchObject({ totalHits: 2, isBlocked: true });
    });

    it('counts each key separately', async () => {
      await hit('send:a');
      await hit('send:a');

      expect(await hit('send:b')).toMatchObject({ totalHits: 1 });
      expect(await hit('verify:a')).toMatchObject({ totalHits: 1 });
    });

    it('counts parallel hits without gaps or duplicates', async () => {
      const records = await Promise.all(oneUpTo(200).map(() => hit('a', minutes(1), 150)));

      const numbers = records.map(({ totalHits }) => totalHits);
      expect(numbers.sort((a, b) => a - b)).toEqual(oneUpTo(200));
      expect(records.filter(({ isBlocked }) => isBlocked)).toHaveLength(50);
    });

    it('deletes windows that have ended', async () => {
      const round = 1_000;
      for (let first = 0; first < subject.manyWindows; first += round) {
        const keys = oneUpTo(round).map((n) => `key ${String(first + n)}`);
        await Promise.all(keys.map((key) => hit(key, 20)));
        await subject.endWindows(keys.slice(-1), 20);
      }

      await waitUntil(async () => (await subject.size()) <= 2 * round);
    });
  });
}

describeThrottlerStorage('MemoryThrottlerStorage', async () => {
  const clock = new FakeClock();
  const storage = new MemoryThrottlerStorage(clock);
  return {
    storage,
    manyWindows: 100_000,
    endWindows: async (_keys, ttlMs) => {
      clock.advance(ttlMs);
    },
    size: async () => storage.size,
  };
});

describe('MemoryThrottlerStorage', () => {
  const clock = new FakeClock();
  const storage = new MemoryThrottlerStorage(clock);
  const hit = (key: string, ttlMs: number) => storage.increment(key, ttlMs, 100);

  it('keeps a long window among short ones until its last millisecond', async () => {
    await hit('short', 10);
    await hit('long', 1_000);
    for (let waited = 0; waited < 990; waited += 10) {
      clock.advance(10);
      await hit('short', 10);
    }
    clock.advance(9);
    expect(await hit('long', 1_000)).toMatchObject({ totalHits: 2, timeToExpire: 1 });

    clock.advance(1);
    expect(await hit('long', 1_000)).toMatchObject({ totalHits: 1 });
  });

  it('returns the rest of a window rounded up to seconds', async () => {
    await hit('a', minutes(1));
    clock.advance(seconds(15) + 1);

    expect(await hit('a', minutes(1))).toMatchObject({ totalHits: 2, timeToExpire: 45 });
  });

  // These tests fail without `aheadMs` of `applyReading` in clock.ts.
  it.each([
    ['set back', -hours(2)],
    ['set forward', hours(2)],
  ])('ends a window after its length when the clock is %s', async (key, jumpMs) => {
    await hit(key, minutes(1));
    clock.advance(seconds(20));
    clock.moveWallClock(jumpMs);
    const { totalHits, timeToExpire } = await hit(key, minutes(1));
    if (jumpMs < 0) expect({ totalHits, timeToExpire }).toEqual({ totalHits: 2, timeToExpire: 40 });

    clock.advance(minutes(1));
    expect(await hit(key, minutes(1))).toMatchObject({ totalHits: 1, timeToExpire: 60 });
  });
});

describe('RedisThrottlerStorage', () => {
  const opened: RedisThrottlerStorage[] = [];
  const connect = (url: string) => {
    const storage = new RedisThrottlerStorage(url);
    opened.push(storage);
    return { client: storage.redis, storage };
  };
  const hit = (storage: ThrottlerStorage) =>
    storage.increment('a', minutes(1), 2, minutes(1), 'send');
  const unavailable = { code: 'storage_unavailable', retryAfterMs: seconds(5) };

  let log: MemoryLog;
  beforeEach(() => {
    log = new MemoryLog();
    Logger.overrideLogger(new NestLogger(createLogger('info', log)));
  });
  afterEach(() => {
    opened.splice(0).forEach((storage) => {
      storage.onApplicationShutdown();
    });
  });

  describe('on a shared server', () => {
    let redis: RedisServer;
    beforeAll(async () => {
      redis = await startRedis();
    });
    afterAll(() => redis.stop());

    describeThrottlerStorage('as a ThrottlerStorage', async () => {
      await redis.flush();
      const remaining = (key: string) => sendRedisCommand(redis.url, 'PTTL', `otp:limit:${key}`);
      return {
        storage: connect(redis.url).storage,
        manyWindows: 10_000,
        endWindows: (keys) =>
          waitUntil(async () =>
            (await Promise.all(keys.map(remaining))).every((ms) => ms === ':-2'),
          ),
        // Not DBSIZE, which also counts expired keys that Redis has not deleted yet.
        size: async () =>
          Number(
            (
              await sendRedisCommand(redis.url, 'EVAL', `return #redis.call('KEYS', '*')`, '0')
            ).slice(1),
          ),
      };
    });
  });

  describe('on a server whose clock was set back by two hours', () => {
    // Redis stores the time at which a key expires. A clock that is set back makes the key expire later.
    // This test fails without `remaining > tonumber(ARGV[1])` of `COUNT_HIT` in redis-throttler-storage.ts.
    it('starts the window again with the hits that it had, and ends it after its length', async () => {
      const redis = await startRedis();
      await redis.flush();
      const { storage } = connect(redis.url);
      for (let hits = 0; hits < 3; hits += 1) await hit(storage);
      const expiry = String(hours(2) + seconds(40));
      await sendRedisCommand(redis.url, 'PEXPIRE', 'otp:limit:a', expiry);

      expect(await hit(storage)).toMatchObject({ totalHits: 4, timeToBlockExpire: 60 });
      const remaining = await sendRedisCommand(redis.url, 'PTTL', 'otp:limit:a');
      expect(Number(remaining.slice(1))).toBeLessThanOrEqual(minutes(1));
      await redis.stop();
    });
  });

  describe('on its own server', () => {
    let redis: RedisServer;
    beforeAll(async () => {
      redis = await startRedis({ dedicated: true });
    }, 60_000);
    afterAll(() => redis.stop());

    const isCounting = (storage: ThrottlerStorage) => () =>
      hit(storage).then(
        () => true,
        () => false,
      );

    it('accepts a hit before the connection is made', async () => {
      expect(await hit(connect(redis.url).storage)).toMatchObject({ isBlocked: false });
    });

    it('fails while Redis is down, logs it once, and recovers by itself', async () => {
      const { client, storage } = connect(redis.url);
      let failedAttempts = 0;
      client.on('error', () => (failedAttempts += 1));
      // Three failed attempts to connect in each of two outages.
      for (const attempts of [3, 6]) {
        await hit(storage);
        await redis.shutDown();
        await waitUntil(async () => {
          await expect(hit(storage)).rejects.toMatchObject(unavailable);
          return failedAttempts >= attempts;
        });
        await redis.restart();
        await waitUntil(isCounting(storage));
      }

      expect(log.text.match(/Redis is (not available|available again)/g)).toEqual([
        ...['Redis is not available', 'Redis is available again'],
        ...['Redis is not available', 'Redis is available again'],
      ]);
    });

    it('fails at once while Redis is down, instead of waiting for the reconnection', async () => {
      const { client, storage } = connect(redis.url);
      await hit(storage);
      await redis.shutDown();
      await new Promise((resolve) => client.once('reconnecting', resolve));
      const outcome = await Promise.race([
        hit(storage).catch(() => 'hit failed'),
        new Promise((resolve) => client.once('connecting', resolve)),
      ]);
      await redis.restart();

      expect(outcome).toBe('hit failed');
    });

    it('recovers while hits keep coming', async () => {
      const { client, storage } = connect(redis.url);
      await hit(storage);
      await redis.shutDown();
      client.on('connect', () => void isCounting(storage)());
      await redis.restart();

      await waitUntil(isCounting(storage));
    });

    it('fails soon while Redis does not respond, and recovers by itself', async () => {
      const { storage } = connect(redis.url);
      await hit(storage);
      await sendRedisCommand(redis.url, 'CLIENT', 'PAUSE', '60000', 'WRITE');
      const startedAt = Date.now();
      await expect(hit(storage)).rejects.toMatchObject(unavailable);
      expect(Date.now() - startedAt).toBeLessThan(scaleTimeLimit(2_000));

      await sendRedisCommand(redis.url, 'CLIENT', 'UNPAUSE');
      await waitUntil(isCounting(storage));
    });

    it('fails a hit at once when the connection is lost, and does not count it later', async () => {
      const { client, storage } = connect(redis.url);
      await redis.flush();
      await hit(storage);
      await sendRedisCommand(redis.url, 'CLIENT', 'PAUSE', '60000', 'WRITE');
      const startedAt = Date.now();
      const lost = expect(hit(storage)).rejects.toMatchObject(unavailable);
      await sendRedisCommand(redis.url, 'CLIENT', 'KILL', 'TYPE', 'normal');
      await lost;
      expect(Date.now() - startedAt).toBeLessThan(scaleTimeLimit(500));

      await sendRedisCommand(redis.url, 'CLIENT', 'UNPAUSE');
      await waitUntil(async () => client.status === 'ready');
      expect(await hit(storage)).toMatchObject({ totalHits: 2 });
    });

    it('replaces a connection that does not respond', async () => {
      const { client, storage } = connect(redis.url);
      await hit(storage);
      const before = await client.client('ID');
      await sendRedisCommand(redis.url, 'CLIENT', 'PAUSE', '60000', 'WRITE');
      await hit(storage).catch(() => undefined);

      await sendRedisCommand(redis.url, 'CLIENT', 'UNPAUSE');
      await waitUntil(isCounting(storage));
      expect(await client.client('ID')).not.toBe(before);
    });
  });

  it('does not log the password when Redis rejects it', async () => {
    // The error of a Redis whose command AUTH was renamed.
    const authError = "-ERR unknown command 'AUTH', with args beginning with: 'p@ss' \r\n";
    const server = createServer((socket) => {
      socket.on('error', () => undefined).on('data', () => socket.write(authError));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;

    const url = `redis://:p%40ss@127.0.0.1:${String(port)}`;
    const storage = new RedisThrottlerStorage(url);
    await expect(hit(storage)).rejects.toMatchObject(unavailable);

    expect(log.text).toMatch(/Redis is not available: .*'•••'/);
    expect(log.text).not.toMatch(/p(@|%40)ss/);
    storage.onApplicationShutdown();
    await new Promise((resolve) => server.close(resolve));
  });
});
