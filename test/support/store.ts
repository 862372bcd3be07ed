import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Global, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Clock } from '../../src/common/clock.js';
import { EventBus } from '../../src/common/events.js';
import { configModule } from '../../src/config/config.module.js';
import { CleanupService } from '../../src/storage/cleanup.service.js';
import { StorageModule } from '../../src/storage/storage.module.js';
import { VerificationStore } from '../../src/storage/verification-store.js';
import { testEnvironment } from './config.js';
import { startPostgres } from './services/postgres.js';

/** One replica's storage. */
export interface OpenStore {
  readonly store: VerificationStore;
  /** One round of what is done now and then. */
  tidy(): Promise<void>;
  close(): Promise<void>;
}

/** A place for records that any number of replicas may open. */
export interface StorePlace {
  open(clock: Clock, settings?: NodeJS.ProcessEnv): Promise<OpenStore>;
  remove(): Promise<void>;
}

/** Every engine, and a new place on it. */
export const ENGINES: [name: string, newPlace: () => Promise<StorePlace>][] = [
  ['SQLite', newSqlitePlace],
  ['PostgreSQL', newPostgresPlace],
];

async function newSqlitePlace(): Promise<StorePlace> {
  const dataDir = mkdtempSync(join(tmpdir(), 'otp-store-'));
  return {
    open: (clock, settings) => openStore(clock, { DATA_DIR: dataDir, ...settings }),
    remove: async () => {
      rmSync(dataDir, { recursive: true });
    },
  };
}

async function newPostgresPlace(): Promise<StorePlace> {
  const postgres = await startPostgres();
  const url = await postgres.createDatabase();
  return {
    open: (clock, settings) => openStore(clock, { DATABASE_URL: url, ...settings }),
    remove: () => postgres.stop(),
  };
}

/** Opens a replica's storage with these settings. */
export async function openStore(clock: Clock, settings: NodeJS.ProcessEnv): Promise<OpenStore> {
  const env = testEnvironment({ NODE_ENV: 'test', ...settings });
  @Global()
  @Module({
    providers: [EventBus],
    exports: [EventBus],
  })
  class EventsModule {}
  const module = await Test.createTestingModule({
    imports: [configModule(env), EventsModule, StorageModule],
  })
    .overrideProvider(Clock)
    .useValue(clock)
    .compile();
  await module.init();
  return {
    store: module.get(VerificationStore),
    tidy: () => module.get(CleanupService).runOnce(),
    close: () => module.close(),
  };
}
