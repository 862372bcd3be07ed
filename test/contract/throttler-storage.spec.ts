import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';
import { minutes, seconds } from '../../src/common/durations.js';
import { createLogger } from '../../src/observability/logger.js';
import { NestLogger } from '../../src/observability/nest-logger.js';
import { MemoryThrottlerStorage } from '../../src/throttling/memory-throttler-storage.js';
import {
  createRedis,
  RedisThrottlerStorage,
} from '../../src/throttling/redis-throttler-storage.js';
import { askRedis } from '../support/services/redis-client.js';
import { startRedis, type RedisServer } from '../support/services/redis.js';
import { FakeClock } from '../support/fake-clock.js';
import { MemoryLog } from '../support/log.js';
import { scaled } from '../support/time-scale.js';

interface Subject {
  readonly storage: ThrottlerStorage;
  /** How many windows, opened one after the other, are many enough to see that they go. */
  readonly many: number;
  /** Lets the windows of these keys end, none of which lasts longer than this. */
  end(keys: readonly string[], ttlMs: number): Promise<void>;
  /** How many windows are kept. */
  size(): Promise<number>;
}

/** Asks until the answer is the wanted one. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('It did not come to pass in 10 s.');
    await delay(5);
  }
}

const numbersTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

/** What every storage of counters does. Each case names the line that keeps it. */
function describeThrottlerStorage(title: string, create: () => Promise<Subject>): void {
  describe(title, () => {
    let subject: Subject;
    beforeEach(async () => {
      subject = await create();
    });

    const hit = (key: string, ttlMs = minutes(1), limit = 2) =>
      subject.storage.increment(key, ttlMs, limit, ttlMs, 'send');

    // Memory: `window.hits += 1`. Redis: `INCR`.
    it('counts the hits of a window', async () => {
      const free = { isBlocked: false, timeToBlockExpire: 0 };
      expect(await hit('a')).toEqual({ ...free, totalHits: 1, timeToExpire: 60 });
      expect(await hit('a')).toEqual({ ...free, totalHits: 2, timeToExpire: 60 });
    });

    // `hits > limit` and the last line of `toThrottlerRecord`.
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

    // Memory: `this.open(key, now) ??`. Redis: `if remaining < 0`.
    it('does not let a later hit move the end of the window', async () => {
      await hit('a', minutes(1));

      expect(await hit('a', minutes(5))).toMatchObject({ totalHits: 2, timeToExpire: 60 });
    });

    // Memory: `now < window.endsAt`. Redis: `PEXPIRE`.
    it('starts again when the window has ended', async () => {
      await hit('a', 200, 1);
      await subject.end(['a'], 200);

      expect(await hit('a', minutes(1), 1)).toMatchObject({ totalHits: 1, timeToExpire: 60 });
      expect(await hit('a', minutes(1), 1)).toMatchObject({ totalHits: 2, isBlocked: true });
    });

    // Memory: the key in `newer.get` and `newer.set`. Redis: the key given to `countHit`.
    it('counts each key apart', async () => {
      await hit('send:a');
      await hit('send:a');

      expect(await hit('send:b')).toMatchObject({ totalHits: 1 });
      expect(await hit('verify:a')).toMatchObject({ totalHits: 1 });
    });

    // Redis: one script; with a `GET` and a `SET` by the client instead, numbers come twice.
    it('numbers parallel hits without a gap or a double', async () => {
      const records = await Promise.all(numbersTo(200).map(() => hit('a', minutes(1), 150)));

      const numbers = records.map(({ totalHits }) => totalHits);
      expect(numbers.sort((a, b) => a - b)).toEqual(numbersTo(200));
      expect(records.filter(({ isBlocked }) => isBlocked)).toHaveLength(50);
    });

    // Memory: `this.newer = new Map()`. Redis: `PEXPIRE`.
    it('forgets windows that have ended', async () => {
      const round = 1_000;
      for (let first = 0; first < subject.many; first += round) {
        const keys = numbersTo(round).map((n) => `key ${String(first + n)}`);
        await Promise.all(keys.map((key) => hit(key, 20)));
        await subject.end(keys.slice(-1), 20);
      }

      await until(async () => (await subject.size()) <= 2 * round);
    });
  });
}

describeThrottlerStorage('Counters in this process', async () => {
  const clock = new FakeClock();
  const storage = new MemoryThrottlerStorage(clock);
  return {
    storage,
    many: 100_000,
    end: async (_keys, ttlMs) => {
      clock.advance(ttlMs);
    },
    size: async () => storage.size,
  };
});

describe('Counters in this process', () => {
  const clock = new FakeClock();
  const storage = new MemoryThrottlerStorage(clock);
  const hit = (key: string, ttlMs: number) => storage.increment(key, ttlMs, 100);

  // `this.older.get(key)` and `Math.max(this.longestMs, ttlMs)`.
  it('keep a long window among short ones until its last millisecond', async () => {
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

  it('tell what remains of a window in started seconds', async () => {
    await hit('a', minutes(1));
    clock.advance(seconds(15) + 1);

    expect(await hit('a', minutes(1))).toMatchObject({ totalHits: 2, timeToExpire: 45 });
  });
});

describe('With a Redis', () => {
  const open: RedisThrottlerStorage[] = [];
  const connect = (url: string) => {
    const client = createRedis(url);
    const storage = new RedisThrottlerStorage(client);
    open.push(storage);
    return { client, storage };
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
    open.splice(0).forEach((storage) => {
      storage.onApplicationShutdown();
    });
  });

  describe('of the test run', () => {
    let redis: RedisServer;
    beforeAll(async () => {
      redis = await startRedis();
    });
    afterAll(() => redis.stop());

    describeThrottlerStorage('counters in Redis', async () => {
      await redis.flush();
      const remaining = (key: string) => askRedis(redis.url, 'PTTL', `otp:limit:${key}`);
      return {
        storage: connect(redis.url).storage,
        many: 10_000,
        end: (keys) =>
          until(async () => (await Promise.all(keys.map(remaining))).every((ms) => ms === ':-2')),
        // Not DBSIZE: that counts what Redis will delete when it gets round to it.
        size: async () =>
          Number(
            (await askRedis(redis.url, 'EVAL', `return #redis.call('KEYS', '*')`, '0')).slice(1),
          ),
      };
    });
  });

  describe('of their own, the counters', () => {
    let redis: RedisServer;
    beforeAll(async () => {
      redis = await startRedis({ fresh: true });
    }, 60_000);
    afterAll(() => redis.stop());

    const answers = (storage: ThrottlerStorage) => () =>
      hit(storage).then(
        () => true,
        () => false,
      );

    // `await this.firstAttempt`.
    it('take a hit that comes before the connection', async () => {
      expect(await hit(connect(redis.url).storage)).toMatchObject({ isBlocked: false });
    });

    // `if (!lost)` and `lost = false`.
    it('fail while Redis is away, say so once, and come back by themselves', async () => {
      const { client, storage } = connect(redis.url);
      let failedAttempts = 0;
      client.on('error', () => (failedAttempts += 1));
      for (const attempts of [3, 6]) {
        await hit(storage);
        await redis.pause();
        await until(async () => {
          await expect(hit(storage)).rejects.toMatchObject(unavailable);
          return failedAttempts >= attempts;
        });
        await redis.resume();
        await until(answers(storage));
      }

      expect(log.text.match(/Redis connection \w+/g)).toEqual([
        ...['Redis connection lost', 'Redis connection restored'],
        ...['Redis connection lost', 'Redis connection restored'],
      ]);
    });

    // `enableOfflineQueue`.
    it('do not wait for Redis to come back', async () => {
      const { client, storage } = connect(redis.url);
      await hit(storage);
      await redis.pause();
      await new Promise((resolve) => client.once('reconnecting', resolve));
      const outcome = await Promise.race([
        hit(storage).catch(() => 'hit failed'),
        new Promise((resolve) => client.once('connecting', resolve)),
      ]);
      await redis.resume();

      expect(outcome).toBe('hit failed');
    });

    // `if (this.redis.status === 'ready')`.
    it('come back though hits keep coming', async () => {
      const { client, storage } = connect(redis.url);
      await hit(storage);
      await redis.pause();
      client.on('connect', () => void answers(storage)());
      await redis.resume();

      await until(answers(storage));
    });

    // `commandTimeout`.
    it('fail soon while Redis does not answer, and come back by themselves', async () => {
      const { storage } = connect(redis.url);
      await hit(storage);
      await askRedis(redis.url, 'CLIENT', 'PAUSE', '60000', 'WRITE');
      const asked = Date.now();
      await expect(hit(storage)).rejects.toMatchObject(unavailable);
      expect(Date.now() - asked).toBeLessThan(scaled(2_000));

      await askRedis(redis.url, 'CLIENT', 'UNPAUSE');
      await until(answers(storage));
    });

    // `maxRetriesPerRequest`.
    it('fail at once when their connection is lost, and are not counted later', async () => {
      const { client, storage } = connect(redis.url);
      await redis.flush();
      await hit(storage);
      await askRedis(redis.url, 'CLIENT', 'PAUSE', '60000', 'WRITE');
      const asked = Date.now();
      const lost = expect(hit(storage)).rejects.toMatchObject(unavailable);
      await askRedis(redis.url, 'CLIENT', 'KILL', 'TYPE', 'normal');
      await lost;
      expect(Date.now() - asked).toBeLessThan(scaled(500));

      await askRedis(redis.url, 'CLIENT', 'UNPAUSE');
      await until(async () => client.status === 'ready');
      expect(await hit(storage)).toMatchObject({ totalHits: 2 });
    });

    // `this.redis.stream.destroy()`.
    it('do not stay on a connection that does not answer', async () => {
      const { client, storage } = connect(redis.url);
      await hit(storage);
      const before = await client.client('ID');
      await askRedis(redis.url, 'CLIENT', 'PAUSE', '60000', 'WRITE');
      await hit(storage).catch(() => undefined);

      await askRedis(redis.url, 'CLIENT', 'UNPAUSE');
      await until(answers(storage));
      expect(await client.client('ID')).not.toBe(before);
    });
  });

  // `reason.replaceAll`.
  it('that refuses the password, the log does not tell it', async () => {
    // As Redis answers where the command AUTH was renamed.
    const refusal = "-ERR unknown command 'AUTH', with args beginning with: 'p@ss' \r\n";
    const server = createServer((socket) => {
      socket.on('error', () => undefined).on('data', () => socket.write(refusal));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;

    const url = `redis://:p%40ss@127.0.0.1:${String(port)}`;
    const storage = new RedisThrottlerStorage(createRedis(url));
    await expect(hit(storage)).rejects.toMatchObject(unavailable);

    expect(log.text).toMatch(/Redis connection lost: .*'•••'/);
    expect(log.text).not.toMatch(/p(@|%40)ss/);
    storage.onApplicationShutdown();
    await new Promise((resolve) => server.close(resolve));
  });
});
