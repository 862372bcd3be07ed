import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Global, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Clock } from '../../src/common/clock.js';
import { seconds } from '../../src/common/durations.js';
import { EventBus } from '../../src/common/events.js';
import { configModule } from '../../src/config/config.module.js';
import { Database } from '../../src/storage/engines/database.js';
import { openSqlite } from '../../src/storage/engines/sqlite.js';
import type { RunBatch } from '../../src/storage/engines/statement-batch.js';
import { StorageModule } from '../../src/storage/storage.module.js';
import { VerificationStore } from '../../src/storage/verification-store.js';
import { testEnvironment } from '../support/config.js';
import { FakeClock } from '../support/fake-clock.js';
import { newVerification } from '../support/new-verification.js';
import { phoneNumber } from '../support/phone-number.js';

const NUMBER = phoneNumber('+14155552671');
const FLOOD_FILTER = { sameCode: 6, messages: 20, windowMs: seconds(3_600) };

@Global()
@Module({ providers: [EventBus], exports: [EventBus] })
class EventsModule {}

describe('The reservation of a send', () => {
  const folder = mkdtempSync(join(tmpdir(), 'otp-send-batch-'));

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('checks every limit, the wrong codes and the flood filter in one batch', async () => {
    const clock = new FakeClock();
    const engine = openSqlite(folder);
    const batches: string[][] = [];
    const runBatch: RunBatch = (statements) => {
      batches.push(statements.map(({ statement }) => statement.name));
      return engine.runBatch(statements);
    };
    const module = await Test.createTestingModule({
      imports: [configModule(testEnvironment({ NODE_ENV: 'test' })), EventsModule, StorageModule],
    })
      .overrideProvider(Database)
      .useValue(new Database(Object.assign(Object.create(engine), { runBatch })))
      .overrideProvider(Clock)
      .useValue(clock)
      .compile();
    await module.init();
    const store = module.get(VerificationStore);
    const send = (pinId: string) => {
      const floodFilters = new Map([['infobip', FLOOD_FILTER]]);
      const verification = newVerification(pinId, NUMBER, clock.now());
      return store.reserveSend({ ...verification, floodFilters });
    };
    // The first send of a time bucket also reads the history of the traffic.
    expect(await send('first')).toMatchObject({ outcome: 'admitted' });
    clock.advance(seconds(30));
    batches.length = 0;

    expect(await send('second')).toMatchObject({ outcome: 'admitted' });
    await module.close();

    expect(batches).toEqual([
      ['number_limits.reserveSend', 'sends.insert', 'traffic.addSend', 'traffic.readRecent'],
    ]);
  });
});
