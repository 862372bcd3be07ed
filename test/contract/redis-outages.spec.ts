import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { Logger } from '@nestjs/common';
import { minutes, seconds } from '../../src/common/durations.js';
import { createLogger } from '../../src/observability/logger.js';
import { NestLogger } from '../../src/observability/nest-logger.js';
import { RedisThrottlerStorage } from '../../src/throttling/redis-throttler-storage.js';
import { MemoryLog } from '../support/memory-log.js';
import { startRedis, type RedisServer } from '../support/services/redis.js';
import { waitUntil } from '../support/wait-until.js';

const USER = ['ACL', 'SETUSER', 'otp'];
const DOCUMENTED_PERMISSIONS =
  /ACL SETUSER otp [^+]*(\+.*)`/.exec(readFileSync('docs/operating.md', 'utf8'))?.[1]?.split(' ') ??
  [];

interface OutageCase {
  readonly title: string;
  /** The Redis command that begins the outage. */
  readonly begin: readonly string[];
  /** The Redis command that ends the outage. */
  readonly end: readonly string[];
  /** The part of Redis's error that the log must contain. */
  readonly reason: string;
  /** Whether connecting fails, so that open connections have to be closed for the outage to begin. */
  readonly rejectsConnections?: boolean;
  /** Whether no other server could help, so that the connection stays open. */
  readonly keepsConnection?: boolean;
}

const OUTAGES: readonly OutageCase[] = [
  {
    title: 'rejects the password',
    begin: [...USER, 'resetpass', '>another'],
    end: [...USER, 'resetpass', '>secret'],
    reason: 'WRONGPASS',
    rejectsConnections: true,
  },
  {
    title: 'has too many clients',
    begin: ['CONFIG', 'SET', 'maxclients', '1'],
    end: ['CONFIG', 'SET', 'maxclients', '1000'],
    reason: 'ERR max number of clients',
    rejectsConnections: true,
  },
  {
    title: 'does not permit the command',
    begin: [...USER, '-evalsha', '-eval'],
    end: [...USER, '+evalsha', '+eval'],
    reason: 'NOPERM',
    keepsConnection: true,
  },
  {
    title: 'has become a replica',
    begin: ['REPLICAOF', '127.0.0.1', '1'],
    end: ['REPLICAOF', 'NO', 'ONE'],
    reason: 'READONLY',
  },
  {
    title: 'has lost its replicas',
    begin: ['CONFIG', 'SET', 'min-replicas-to-write', '1'],
    end: ['CONFIG', 'SET', 'min-replicas-to-write', '0'],
    reason: 'NOREPLICAS',
  },
  {
    title: 'is out of memory',
    begin: ['CONFIG', 'SET', 'maxmemory', '1'],
    end: ['CONFIG', 'SET', 'maxmemory', '0'],
    reason: 'OOM',
    keepsConnection: true,
  },
];

describe('A Redis that can be reached but', () => {
  let redis: RedisServer;
  let admin: RedisThrottlerStorage;
  let storage: RedisThrottlerStorage;
  let log: MemoryLog;

  beforeAll(async () => {
    redis = await startRedis({ dedicated: true });
  }, 60_000);
  afterAll(() => redis.stop());

  beforeEach(async () => {
    log = new MemoryLog();
    Logger.overrideLogger(new NestLogger(createLogger('info', log)));
    admin = new RedisThrottlerStorage(redis.url);
    await count(admin);
    await run([...USER, 'reset', 'on', '>secret', '~otp:limit:*', ...DOCUMENTED_PERMISSIONS]);
    storage = new RedisThrottlerStorage(redis.url.replace('//', '//otp:secret@'));
    await count(storage);
  });
  afterEach(() => {
    for (const { redis: client } of [admin, storage]) client.disconnect();
  });

  const run = ([command = '', ...args]: readonly string[]) => admin.redis.call(command, ...args);
  const count = (counter: RedisThrottlerStorage) => counter.increment('a', minutes(1), 1_000_000);
  const getMessages = () => log.lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
  const getMessagesWith = (reason: string) =>
    getMessages().filter((message) => message.includes(reason));
  const isCounting = () =>
    count(storage).then(
      () => true,
      () => false,
    );

  // Without the count of attempts in RedisOutage, the client reconnects at least 20 times a second.
  it.each(OUTAGES)(
    '$title is reported once, gets few connections, and is used again',
    async ({ begin, end, reason, rejectsConnections = false, keepsConnection = false }) => {
      await run(begin);
      let connections = 0;
      storage.redis.on('connect', () => (connections += 1));
      let connectionsInTwoSeconds: number | undefined;
      if (rejectsConnections) await run(['CLIENT', 'KILL', 'USER', 'otp']);
      const endsAt = performance.now() + seconds(2);
      await waitUntil(async () => {
        await expect(count(storage)).rejects.toMatchObject({
          code: 'storage_unavailable',
          retryAfterMs: seconds(5),
        });
        if (performance.now() <= endsAt) return false;
        connectionsInTwoSeconds ??= connections;
        // A server with too many clients may close a connection before its reply is read.
        return getMessagesWith(reason).length > 0;
      });
      // The attempts to connect are 50, 100, 150 ms … apart.
      expect(connectionsInTwoSeconds).toBeLessThanOrEqual(9);
      // Fails for a replica without NOT_PRIMARY in RedisThrottlerStorage.
      expect(connections === 0).toBe(keepsConnection);

      await run(end);
      await waitUntil(isCounting);

      const messages = getMessages();
      expect(getMessagesWith(reason)).toHaveLength(1);
      expect(messages.at(-1)).toBe('Redis is available again.');
      expect(messages.length).toBeLessThanOrEqual(3);
    },
  );

  // Without `destroy` in createRedis, the client counts in database 0.
  it('lacks the database of the URL counts nothing', async () => {
    storage.redis.disconnect();
    storage = new RedisThrottlerStorage(`${redis.url}/5000`);

    expect(await isCounting()).toBe(false);
    await waitUntil(() => log.text.includes('ERR DB index is out of range'));
    expect(await isCounting()).toBe(false);
  });
});

describe('A Redis that still loads its data', () => {
  let server: Server;
  let isLoading = true;

  beforeAll(async () => {
    server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (command) => {
        const info = `loading:${isLoading ? 1 : 0}\r\nloading_eta_seconds:60`;
        const isInfo = command.toString().includes('info');
        // The reply to a hit: one hit, and a minute left of its window.
        socket.write(isInfo ? `$${info.length}\r\n${info}\r\n` : '*2\r\n:1\r\n:60000\r\n');
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => server.close());

  // Without `maxLoadingRetryTime` in createRedis, ioredis repeats the ready check after ten seconds.
  it('is used within eight seconds after loading, though it expected a minute', async () => {
    const { port } = server.address() as AddressInfo;
    const storage = new RedisThrottlerStorage(`redis://127.0.0.1:${port}`);
    const hit = () => storage.increment('a', minutes(1), 1);
    await expect(hit()).rejects.toMatchObject({ code: 'storage_unavailable' });

    isLoading = false;
    const loadedAt = performance.now();
    await waitUntil(() =>
      hit().then(
        () => true,
        () => false,
      ),
    );
    storage.redis.disconnect();

    expect(performance.now() - loadedAt).toBeLessThan(seconds(8));
  });
});
