import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Test, type TestingModule } from '@nestjs/testing';
import { Clock } from '../../src/common/clock.js';
import { seconds } from '../../src/common/durations.js';
import { configModule } from '../../src/config/config.module.js';
import { CleanupService } from '../../src/storage/cleanup.service.js';
import { Database, type DatabaseEngine } from '../../src/storage/engines/database.js';
import { openSqlite } from '../../src/storage/engines/sqlite.js';
import type { RunBatch } from '../../src/storage/engines/statement-batch.js';
import type { SendReservation } from '../../src/storage/send.types.js';
import { StorageModule } from '../../src/storage/storage.module.js';
import { VerificationStore } from '../../src/storage/verification-store.js';
import { testEnvironment } from '../support/config.js';
import { EventsModule } from '../support/events-module.js';
import { FakeClock } from '../support/fake-clock.js';
import { newVerification, sendResponse } from '../support/new-verification.js';
import { phoneNumber } from '../support/phone-number.js';

const NUMBER = phoneNumber('+14155552671');
const FLOOD_FILTER = { sameCode: 6, messages: 20, windowMs: seconds(3_600) };

describe.each([
  ['without delivery reports', {}, undefined, []],
  [
    'with delivery reports',
    { INFOBIP_REPORT_TOKEN: 'a-token-that-only-tests-know' },
    'any-message',
    ['messages.linkNewest', 'messages.addReplaced'],
  ],
])('A send, %s,', (_what, settings, messageId, extraResendStatements) => {
  const folder = mkdtempSync(join(tmpdir(), 'otp-send-batch-'));
  const clock = new FakeClock();
  const batches: string[][] = [];
  let module: TestingModule;
  let store: VerificationStore;

  beforeAll(async () => {
    const engine = openSqlite(folder);
    const runBatch: RunBatch = (statements) => {
      batches.push(statements.map(({ statement }) => statement.name));
      return engine.runBatch(statements);
    };
    const transaction: DatabaseEngine['transaction'] = (work) => {
      batches.push(['a transaction']);
      return engine.transaction(work);
    };
    module = await Test.createTestingModule({
      imports: [
        configModule(testEnvironment({ NODE_ENV: 'test', ...settings })),
        EventsModule,
        StorageModule,
      ],
    })
      .overrideProvider(Database)
      .useValue(new Database(Object.assign(Object.create(engine), { runBatch, transaction })))
      .overrideProvider(Clock)
      .useValue(clock)
      // Its batches would be recorded too.
      .overrideProvider(CleanupService)
      .useValue({})
      .compile();
    await module.init();
    store = module.get(VerificationStore);
    // The first send of a time bucket also reads the history of the traffic.
    await reserve('first');
    clock.advance(seconds(30));
  });

  beforeEach(() => {
    batches.length = 0;
  });

  afterAll(async () => {
    await module.close();
    rmSync(folder, { recursive: true });
  });

  async function reserve(pinId: string): Promise<SendReservation> {
    const floodFilters = new Map([['infobip', FLOOD_FILTER]]);
    const verification = newVerification(pinId, NUMBER, clock.now());
    const admission = await store.reserveSend({ ...verification, floodFilters });
    if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
    return admission.reservation;
  }

  const confirm = (reservation: SendReservation) =>
    store.confirmSend(
      reservation,
      { provider: 'infobip', pinId: 'any', possiblySentBy: [], messageId },
      sendResponse(reservation.pinId),
    );

  it('checks all limits, also of wrong codes, and the flood filter in one batch', async () => {
    await reserve('second');

    expect(batches).toEqual([
      ['number_limits.reserveSend', 'sends.insert', 'traffic.addSend', 'traffic.readRecent'],
    ]);
  });

  it('is confirmed by one batch, without a statement for its message', async () => {
    clock.advance(seconds(30));
    const reservation = await reserve('third');
    batches.length = 0;

    await confirm(reservation);

    expect(batches).toEqual([['sends.supersede', 'sends.confirm']]);
  });

  it('is confirmed by one batch if it is a resend', async () => {
    clock.advance(seconds(30));
    const request = { pinId: 'third', client: 'shop', channel: 'sms', now: clock.now() } as const;
    const admission = await store.reserveResend(request);
    if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
    batches.length = 0;

    await confirm(admission.reservation);

    expect(batches).toEqual([[...extraResendStatements, 'sends.confirmResend']]);
  });
});
