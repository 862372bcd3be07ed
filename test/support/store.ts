import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Test } from '@nestjs/testing';
import { Clock } from '../../src/common/clock.js';
import { EventBus } from '../../src/common/events.js';
import { configModule } from '../../src/config/config.module.js';
import { CleanupService } from '../../src/storage/cleanup.service.js';
import { DeliveryReportStore } from '../../src/storage/delivery-report-store.js';
import { Database } from '../../src/storage/engines/database.js';
import { LostAnswerStore } from '../../src/storage/lost-answer-store.js';
import { Outbox } from '../../src/storage/outbox.js';
import { MessageRepository } from '../../src/storage/repositories/message.repository.js';
import { SecretCheck } from '../../src/storage/secret-check.js';
import { StorageModule } from '../../src/storage/storage.module.js';
import { VerificationStore } from '../../src/storage/verification-store.js';
import { testEnvironment } from './config.js';
import { EventsModule } from './events-module.js';
import { deleteRecords } from './services/postgres-client.js';
import { startPostgres, type PostgresServer } from './services/postgres.js';

/** One replica's storage. */
export interface OpenStore {
  readonly database: Database;
  readonly store: VerificationStore;
  readonly lostAnswers: LostAnswerStore;
  readonly outbox: Outbox;
  readonly events: EventBus;
  readonly messages: MessageRepository;
  readonly reports: DeliveryReportStore;
  runCleanup(): Promise<void>;
  getLastCleanupTime(): number;
  close(): Promise<void>;
}

/** A storage that any number of replicas may open. */
export interface TestStorage {
  /** The settings with which a service uses this storage. */
  readonly settings: NodeJS.ProcessEnv;
  open(clock: Clock, settings?: NodeJS.ProcessEnv): Promise<OpenStore>;
  removeData(): Promise<void>;
}

/** Every database, with a function that creates a storage on it. */
export const DATABASES: [name: string, newStorage: () => Promise<TestStorage>][] = [
  ['SQLite', newSqliteStorage],
  ['PostgreSQL', newPostgresStorage],
];

async function newSqliteStorage(): Promise<TestStorage> {
  const dataDir = mkdtempSync(join(tmpdir(), 'otp-store-'));
  return {
    settings: { DATA_DIR: dataDir },
    open: (clock, settings) => openStore(clock, { DATA_DIR: dataDir, ...settings }),
    removeData: async () => {
      rmSync(dataDir, { recursive: true });
    },
  };
}

let postgres: PostgresServer | undefined;
/** Empty databases for reuse: creating a database takes longer than emptying one. */
const emptyDatabases: string[] = [];

afterAll(async () => {
  await postgres?.stop();
});

async function newPostgresStorage(): Promise<TestStorage> {
  postgres ??= await startPostgres();
  const url = emptyDatabases.pop() ?? (await postgres.createDatabase());
  return {
    settings: { DATABASE_URL: url },
    open: (clock, settings) => openStore(clock, { DATABASE_URL: url, ...settings }),
    removeData: async () => {
      await deleteRecords(url);
      emptyDatabases.push(url);
    },
  };
}

/** Opens a replica's storage with these settings. */
export async function openStore(clock: Clock, settings: NodeJS.ProcessEnv): Promise<OpenStore> {
  const env = testEnvironment({ NODE_ENV: 'test', ...settings });
  const module = await Test.createTestingModule({
    imports: [configModule(env), EventsModule, StorageModule],
  })
    .overrideProvider(Clock)
    .useValue(clock)
    // Tests read what another secret wrote; test/e2e/secret-check.spec.ts tests the check.
    .overrideProvider(SecretCheck)
    .useValue({})
    .compile();
  await module.init();
  return {
    database: module.get(Database),
    store: module.get(VerificationStore),
    lostAnswers: module.get(LostAnswerStore),
    outbox: module.get(Outbox),
    events: module.get(EventBus),
    messages: module.get(MessageRepository),
    reports: module.get(DeliveryReportStore),
    runCleanup: () => module.get(CleanupService).runOnce(),
    getLastCleanupTime: () => module.get(CleanupService).lastSuccessTime,
    close: () => module.close(),
  };
}
