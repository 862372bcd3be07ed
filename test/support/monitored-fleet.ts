import { startSandbox } from '../../src/sandbox/sandbox.js';
import { RULES_FOLDER } from './alerts.js';
import { newHashedKey, TestClientsFile } from './clients-file.js';
import { startEventReceiver } from './event-receiver.js';
import { startRecordingProxy } from './recording-proxy.js';
import { startReplica, type Replica } from './replica.js';
import { readCodes } from './sandbox-calls.js';
import { startPostgres, type PostgresServer } from './services/postgres.js';
import { startPrometheus, type Prometheus } from './services/prometheus.js';
import { infobipReport, REPORT_TOKEN } from './tracked-service.js';
import { startRedis, type RedisServer } from './services/redis.js';

/** Two replicas with PostgreSQL, Redis and a sandbox, and a Prometheus that scrapes them. */
export interface MonitoredFleet {
  readonly postgres: PostgresServer;
  readonly redis: RedisServer;
  readonly replicas: readonly [Replica, Replica];
  readonly prometheus: Prometheus;
  /** The `CLIENTS_FILE` of both replicas. */
  readonly clientsFile: TestClientsFile;
  /** Sends a request of the only client, `shop`. */
  post(replica: Replica, path: string, body: object): ReturnType<Replica['http']['post']>;
  /** Reports, as Infobip, that the last message was delivered. */
  reportDelivery(replica: Replica): Promise<void>;
  /** The code that a phone received last. */
  getLastCode(phoneNumber: string): Promise<string>;
  /** `inactive`, `pending` (not yet for long enough) or `firing`; `undefined` for an unknown alert. */
  getAlertState(alert: string): Promise<string | undefined>;
  stop(): Promise<void>;
}

/** @param beforeScrapes runs before Prometheus scrapes the replicas for the first time */
export async function startMonitoredFleet(
  settings: NodeJS.ProcessEnv,
  beforeScrapes: (fleet: Omit<MonitoredFleet, 'prometheus'>) => Promise<void> = async () =>
    undefined,
): Promise<MonitoredFleet> {
  const { key, hash } = newHashedKey();
  const clientsFile = new TestClientsFile();
  clientsFile.write({ shop: { keys: [hash] } });
  const [postgres, redis, sandbox, receiver] = await Promise.all([
    startPostgres({ dedicated: true }),
    startRedis({ dedicated: true }),
    startSandbox({ port: 0 }),
    startEventReceiver(),
  ]);
  const proxy = await startRecordingProxy(sandbox.url);
  const allSettings = {
    DATABASE_URL: await postgres.createDatabase(),
    REDIS_URL: redis.url,
    INFOBIP_BASE_URL: proxy.url,
    INFOBIP_REPORT_TOKEN: REPORT_TOKEN,
    CLIENTS_FILE: clientsFile.path,
    METRICS_PUBLIC: 'true',
    ...receiver.settings,
    ...settings,
  };
  const replicas = [await startReplica(allSettings), await startReplica(allSettings)] as const;
  const fleet = {
    postgres,
    redis,
    replicas,
    clientsFile,
    post: ({ http }: Replica, path: string, body: object) =>
      http.post(path).set('authorization', `Bearer ${key}`).send(body),
    reportDelivery: async ({ url }: Replica) => {
      const results = [infobipReport(proxy.messageIds.at(-1) ?? '', 'delivered')];
      const headers = { 'x-delivery-token': REPORT_TOKEN, 'content-type': 'application/json' };
      const request = { method: 'POST', headers, body: JSON.stringify({ results }) };
      const { status } = await fetch(`${url}/provider-reports/infobip`, request);
      if (status !== 200) throw new Error(`the report was answered ${String(status)}`);
    },
    getLastCode: async (phoneNumber: string) =>
      (await readCodes(sandbox.url, phoneNumber))[0] ?? '',
    getAlertState: async (alert: string) =>
      (await prometheus.getRules()).find(({ name }) => name === alert)?.state,
    stop: async () => {
      await prometheus.stop();
      await Promise.all(replicas.map((replica) => replica.kill()));
      await Promise.all([
        postgres.stop(),
        redis.stop(),
        proxy.close(),
        sandbox.close(),
        receiver.close(),
      ]);
      clientsFile.remove();
    },
  };
  await beforeScrapes(fleet);
  const urls = replicas.map(({ url }) => url);
  const prometheus = await startPrometheus(urls, RULES_FOLDER);
  return { ...fleet, prometheus };
}
