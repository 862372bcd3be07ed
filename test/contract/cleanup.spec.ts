import { readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { sql } from 'kysely';
import { hours, minutes } from '../../src/common/durations.js';
import { Database } from '../../src/storage/engines/database.js';
import { CLEANUP_BATCH } from '../../src/storage/repositories/cleanup-queries.js';
import { FakeClock } from '../support/fake-clock.js';
import { newVerification, sendResponse } from '../support/new-verification.js';
import { phoneNumber } from '../support/phone-number.js';
import type { SendReservation } from '../../src/storage/send.types.js';
import { DATABASES, type OpenStore, type TestStorage } from '../support/store.js';

const NUMBER = phoneNumber('+14155552671');
const [, LIST_POSSIBLY_SENT = ''] =
  /`(select pin_id, status, maybe_texted [^`]*)`/.exec(
    readFileSync('docs/failure-behaviour.md', 'utf8'),
  ) ?? [];
const SETTINGS = { INFOBIP_REPORT_TOKEN: 'a-token-that-only-tests-know' };

describe.each(DATABASES)('The cleanup, on %s,', (_engine, newStorage) => {
  let storage: TestStorage;
  let clock: FakeClock;
  let opened: OpenStore;

  beforeEach(async () => {
    clock = new FakeClock();
    storage = await newStorage();
    opened = await storage.open(clock, SETTINGS);
    // Runs after the cleanup of the start.
    await opened.runCleanup();
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await opened.close();
    await storage.removeData();
  });

  /** Reports messages whose send is not stored. @returns how many were not stored yet */
  async function report(count: number): Promise<number> {
    let added = 0;
    opened.events.subscribe('reports_refused', (event) => {
      added += event.count;
    });
    const statusAt = clock.now();
    const reports = Array.from({ length: count }, (_, i) => ({
      messageId: `unlinked-${String(i)}`,
      status: 'delivered' as const,
      statusAt,
    }));
    await opened.reports.apply('infobip', reports);
    return added;
  }

  async function reserveSend(pinId: string, number = NUMBER): Promise<SendReservation> {
    const admission = await opened.store.reserveSend(newVerification(pinId, number, clock.now()));
    if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
    return admission.reservation;
  }

  async function send(): Promise<void> {
    const reservation = await reserveSend('pin-1');
    const accepted = { provider: 'infobip', pinId: 'any', possiblySentBy: [] };
    await opened.store.confirmSend(reservation, accepted, sendResponse('pin-1'));
  }

  const findVerification = () => opened.store.find('pin-1', 'shop', clock.now());

  it('logs how many interrupted sends it marks as failed, and the documented query lists them', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    await reserveSend('interrupted-1', phoneNumber('+14155552672'));
    await reserveSend('interrupted-2', phoneNumber('+14155552673'));
    const timedOut = await reserveSend('timed-out', phoneNumber('+14155552674'));
    await opened.store.releaseSend(timedOut, ['infobip']);
    const refused = await reserveSend('refused', phoneNumber('+14155552675'));
    await opened.store.releaseSend(refused, []);
    await opened.runCleanup();
    expect(warn).not.toHaveBeenCalled();
    clock.advance(minutes(5));

    await opened.runCleanup();
    await opened.runCleanup();

    expect(warn.mock.calls).toEqual([
      ['Interrupted sends marked as failed: 2. Their messages may have been sent.'],
    ]);
    const { find } = opened.database.prepare('test', {
      find: () => sql<{ pin_id: string }>`${sql.raw(LIST_POSSIBLY_SENT)}`,
    });
    const { rows } = await opened.database.run((batch) => find(batch, {}));
    expect(rows.map(({ pin_id }) => pin_id).sort()).toEqual([
      'interrupted-1',
      'interrupted-2',
      'timed-out',
    ]);
  });

  // This test fails without `runStep` in cleanup.service.ts.
  it('deletes expired verifications and old unlinked reports if no reports can be linked', async () => {
    await send();
    clock.advance(hours(24 * 30) - minutes(15));
    expect(await report(1)).toBe(1);
    clock.advance(minutes(15));
    expect(await findVerification()).toBeDefined();
    jest.spyOn(opened.reports, 'linkReports').mockRejectedValue(new Error('linking failed'));

    await opened.runCleanup();

    expect(await findVerification()).toBeUndefined();
    expect(await report(1)).toBe(1);
  });

  it('records its time only if every step succeeds', async () => {
    const startTime = clock.now();
    expect(opened.getLastCleanupTime()).toBe(startTime);
    const link = jest.spyOn(opened.reports, 'linkReports');
    link.mockRejectedValueOnce(new Error('linking failed'));
    jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    clock.advance(minutes(1));

    await opened.runCleanup();
    expect(opened.getLastCleanupTime()).toBe(startTime);

    await opened.runCleanup();
    expect(opened.getLastCleanupTime()).toBe(clock.now());
  });

  it('deletes old unlinked reports before it links reports', async () => {
    await report(1);
    clock.advance(minutes(15));
    let deletedBefore: number | undefined;
    jest.spyOn(opened.reports, 'linkReports').mockImplementationOnce(async () => {
      deletedBefore = await report(1);
    });

    await opened.runCleanup();

    expect(deletedBefore).toBe(1);
  });

  // This test fails without `isStopping` in `runInBatches` of cleanup.service.ts.
  it('ends with its current batch when the service stops', async () => {
    const count = 6 * CLEANUP_BATCH;
    await report(count);
    clock.advance(minutes(15));
    const batches = jest.spyOn(Database.prototype, 'runCleanup');
    void opened.runCleanup();
    // The first batch finds no abandoned send; the second deletes reports.
    while (batches.mock.calls.length < 2) await nextTurn();

    await opened.close();

    // At the time of this clock, no report is old.
    opened = await storage.open(new FakeClock(), SETTINGS);
    const deleted = await report(count);
    expect(deleted).toBeGreaterThan(0);
    expect(deleted).toBeLessThan(count);
  });
});

describe('The cleanup, on PostgreSQL,', () => {
  const [, newStorage] = DATABASES.find(([name]) => name === 'PostgreSQL') ?? [];
  let storage: TestStorage;
  let clock: FakeClock;
  let replicas: OpenStore[];

  beforeEach(async () => {
    if (!newStorage) throw new Error('PostgreSQL is not among the databases');
    clock = new FakeClock();
    storage = await newStorage();
    replicas = [await storage.open(clock), await storage.open(clock)];
    for (const replica of replicas) await replica.runCleanup();
  });

  afterEach(async () => {
    for (const replica of replicas) await replica.close();
    await storage.removeData();
  });

  it('deletes the other expired rows while another session has locked one', async () => {
    const [replica] = replicas as [OpenStore];
    const { store, database } = replica;
    for (const [i, pinId] of ['locked', 'unlocked'].entries()) {
      const number = phoneNumber(`+1415555267${String(i)}`);
      const admission = await store.reserveSend(newVerification(pinId, number, clock.now()));
      if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
      await store.releaseSend(admission.reservation, ['infobip']);
    }
    const { lock, list } = database.prepare('test', {
      lock: () => sql`select 1 from verifications, client_numbers
        where verifications.pin_id = 'locked'
          and client_numbers.number_hash = verifications.number_hash for update`,
      list: () => sql<{ pin_id: string }>`select pin_id from verifications
        where exists (select 1 from client_numbers
          where client_numbers.number_hash = verifications.number_hash)
        order by pin_id`,
    });
    const listPinIds = async () => {
      const { rows } = await database.run((batch) => list(batch, {}));
      return rows.map(({ pin_id }) => pin_id);
    };
    expect(await listPinIds()).toEqual(['locked', 'unlocked']);
    clock.advance(hours(24 * 90));

    await database.transaction(async (transaction) => {
      await transaction.run((batch) => lock(batch, {}));
      await replica.runCleanup();
      expect(await listPinIds()).toEqual(['locked']);
    });

    expect(replica.getLastCleanupTime()).toBe(clock.now());
    await replica.runCleanup();
    expect(await listPinIds()).toEqual([]);
  });

  it('ends without a success while another replica cleans up', async () => {
    const [first, second] = replicas as [OpenStore, OpenStore];
    const startTime = clock.now();
    clock.advance(minutes(1));
    const batches = jest.spyOn(second.database, 'runCleanup');

    await first.database.runCleanup(() => second.runCleanup());

    expect(batches).toHaveBeenCalledTimes(1);
    expect(second.getLastCleanupTime()).toBe(startTime);
    await second.runCleanup();
    expect(second.getLastCleanupTime()).toBe(clock.now());
  });
});
