import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { hours, minutes } from '../../src/common/durations.js';
import type { IdempotentRequest } from '../../src/storage/idempotency.types.js';
import type { NewVerification } from '../../src/storage/send.types.js';
import { EVENTS_SECRET } from '../support/event-receiver.js';
import { FakeClock } from '../support/fake-clock.js';
import { grantAttempt } from '../support/grant-attempt.js';
import { newVerification, sendResponse } from '../support/new-verification.js';
import { phoneNumber } from '../support/phone-number.js';
import { newProofKey, toKeySet } from '../support/proof-keys.js';
import { startSandboxedService } from '../support/service.js';
import { openStore } from '../support/store.js';
import { infobipReport, REPORT_TOKEN, startTrackedService } from '../support/tracked-service.js';

const NUMBER = '+14155552671';
const OTHER_NUMBER = '+14155562672';
const TEST_NUMBER = '+15550001111';
const END_USER_IP = '203.0.113.7';
/** The OTP_SECRET of the test environment. */
const SECRET = 'a master secret that only tests know of';

const TABLES = ['verifications', 'client_numbers', 'idempotency_keys', 'traffic', 'end_users'];

describe('Stored data', () => {
  let dataDir: string;

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'otp-rest-'));
  });

  afterEach(() => {
    rmSync(dataDir, { recursive: true });
  });

  /** The rows of each of TABLES, in that order. */
  function readRows(): unknown[][] {
    const database = new Libsql(join(dataDir, 'otp.db'));
    const rows = TABLES.map((table) => database.prepare(`select * from ${table}`).all());
    database.close();
    return rows;
  }

  it('contains no readable number, code, address, reference, idempotency key, provider pinId or proof', async () => {
    const proofKey = newProofKey('key');
    const PROOF_KEYS = toKeySet(proofKey);
    const service = await startSandboxedService({ DATA_DIR: dataDir, PROOF_KEYS });
    const [reference, key] = [randomUUID(), randomUUID()];
    const { body } = await service.http
      .post('/otp/send')
      .set('idempotency-key', key)
      .send({ phoneNumber: NUMBER, reference, endUserIp: END_USER_IP });
    const [code = ''] = await service.getReceivedCodes(NUMBER);
    const [providerPinId = ''] = await service.getProviderPinIds(NUMBER);
    const verified = await service.http
      .post('/otp/verify')
      .set('idempotency-key', `${key}-2`)
      .send({ pinId: body.pinId, otpCode: code, reference, proofFor: 'orders' });
    const proof: string = verified.body.proof;

    const rows = readRows();
    await service.close();

    // The traffic has a row of the client, and two each of the prefix and the country: one for the
    // client, one for all clients together.
    expect(rows.map((list) => list.length)).toEqual([1, 1, 2, 5, 1]);
    const text = JSON.stringify(rows);
    const digits = NUMBER.slice(1);
    for (const secret of [
      digits,
      code,
      END_USER_IP,
      reference,
      key,
      providerPinId,
      SECRET,
      '+1415•••2671',
      ...proof.split('.'),
      proofKey.d,
    ]) {
      expect(secret).not.toBe('');
      const forms = [
        secret,
        Buffer.from(secret).toString('base64url'),
        Buffer.from(secret).toString('hex'),
      ];
      forms.forEach((form) => {
        expect(text).not.toContain(form);
      });
    }
  });

  it('contains no readable number, message id, reference or token of a delivery report', async () => {
    const service = await startTrackedService({ DATA_DIR: dataDir });
    const { messageId, pinId } = await service.send({ phoneNumber: NUMBER });
    await service.reportInfobip({ results: [infobipReport(messageId, 'delivered')] });
    await service.reportInfobip({ results: [infobipReport('foreign-message', 'expired')] });
    const database = new Libsql(join(dataDir, 'otp.db'));
    const rows = database.prepare('select * from messages order by pin_id').all();
    const sent = database.prepare('select message_hash, message_sent_at from verifications').all();
    database.close();
    await service.close();

    const hash = expect.stringMatching(/^[\w-]{43}$/);
    const ofService = { pin_id: pinId, country: 'US', status: 'delivered', price: '0.031' };
    expect(rows).toEqual([
      expect.objectContaining({ message_hash: hash, pin_id: '', client: '', status: 'expired' }),
      expect.objectContaining({ message_hash: hash, client: 'anonymous', ...ofService }),
    ]);
    expect(sent).toEqual([{ message_hash: hash, message_sent_at: expect.any(Number) }]);
    const text = JSON.stringify([rows, sent]);
    for (const secret of [NUMBER.slice(1), messageId, 'foreign-message', REPORT_TOKEN]) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(Buffer.from(secret).toString('base64url'));
    }
  });

  // This test fails without `delete` in send-queries.ts, and without `ownsIdempotencyKey` of `insert` there.
  it('has no row of a rejected send, and one row each of a repeated send', async () => {
    const service = await startSandboxedService({
      DATA_DIR: dataDir,
      CLIENT_SENDS_PER_DAY: '1',
      TEST_NUMBERS: `${TEST_NUMBER}:123456`,
    });
    const send = (phoneNumber: string, key: string) =>
      service.http
        .post('/otp/send')
        .set('idempotency-key', key)
        .send({ phoneNumber, endUserIp: END_USER_IP });
    const before = await send(NUMBER, 'first').then(readRows);

    await send(OTHER_NUMBER, 'second').expect(429);
    const after = readRows();
    for (let i = 0; i < 3; i += 1) await send(TEST_NUMBER, 'third').expect(200);
    const [verifications, , keys] = readRows();
    await service.close();

    const counts = (rows: unknown[][]) => rows.map((list) => list.length);
    const [, numbers, , traffic] = after;
    // Of the rejected send, a row of its number and two of its prefix are left, each with a count of zero.
    expect(counts(after)).toEqual([1, 2, 1, 7, 1]);
    expect(counts(before)).toEqual([1, 1, 1, 5, 1]);
    expect(numbers).toContainEqual(expect.objectContaining({ sends: '', failures: '' }));
    expect(traffic).toContainEqual(expect.objectContaining({ texts: 0, verified: 0 }));
    expect([verifications, keys].map((list) => list?.length)).toEqual([2, 2]);
  });

  it('contains no readable event reference, and events without personal data', async () => {
    const service = await startSandboxedService({
      DATA_DIR: dataDir,
      EVENTS_URL: 'https://events.example.test/',
      EVENTS_SECRET,
    });
    const eventReference = randomUUID();
    const { body } = await service.http
      .post('/otp/send')
      .send({ phoneNumber: NUMBER, reference: randomUUID(), eventReference });
    await service.http.delete(`/otp/${body.pinId}`).expect(204);

    const [event] = new Libsql(join(dataDir, 'otp.db')).prepare('select * from outbox').all();
    const text = JSON.stringify(readRows());
    await service.close();

    expect(text).not.toContain(eventReference);
    const time = expect.any(Number);
    expect(event).toEqual({
      pin_id: body.pinId,
      subject: '',
      event_id: expect.stringMatching(/^[\w-]{22}$/),
      type: 'verification.cancelled',
      client: 'anonymous',
      ...{ occurred_at: time, created_at: time, due_at: time, tries: time },
      state: 'waiting',
    });
  });

  // This test fails without `erased` of `update` in idempotency-key-queries.ts.
  it('keeps no response about an erased number, not even of a resend that was running', async () => {
    const clock = new FakeClock();
    const opened = await openStore(clock, { DATA_DIR: dataDir });
    const { store } = opened;
    const verification = newVerification('pin', phoneNumber(NUMBER), clock.now());
    const accepted = { provider: 'infobip', pinId: 'provider-pin', possiblySentBy: [] };
    const sent = await store.reserveSend(verification, { key: 'send', request: 'a' });
    if (sent.outcome !== 'admitted') throw new Error(sent.outcome);
    await store.confirmSend(sent.reservation, accepted, sendResponse('pin'));
    clock.advance(minutes(1));
    const resend = await store.reserveResend(
      { pinId: 'pin', client: 'shop', channel: 'sms', now: clock.now() },
      { key: 'resend', request: 'b' },
    );
    if (resend.outcome !== 'admitted') throw new Error(resend.outcome);
    await store.erase(phoneNumber(NUMBER), 'shop');
    await store.confirmSend(resend.reservation, accepted, sendResponse('pin'));
    await opened.close();

    const [, , keys] = readRows();
    const erased = expect.objectContaining({
      state: 'erased',
      request_hash: '',
      sealed_answer: '',
    });
    expect(keys).toEqual([erased, erased]);
  });

  // This test fails without `secure_delete` in sqlite-file.ts, and without the checkpoint of `close` in
  // sqlite-executor.ts.
  it('is in no file after an erase and a shutdown, not even in the freed pages', async () => {
    const clock = new FakeClock();
    const service = await startSandboxedService({ DATA_DIR: dataDir, PUMPING_GUARD: 'off' }, clock);
    // These rows fill whole pages, which the erase frees. `secure_delete = FAST` does not overwrite them.
    for (let i = 0; i < 40; i += 1) {
      const headers = { 'idempotency-key': `send-${String(i)}` };
      await service.http.post('/otp/send').set(headers).send({ phoneNumber: NUMBER }).expect(200);
      clock.advance(hours(3));
    }
    await service.http.post('/otp/send').send({ phoneNumber: OTHER_NUMBER }).expect(200);
    const [verifications = [], , keys = []] = readRows() as Record<string, unknown>[][];
    await service.http.post('/otp/numbers/erase').send({ phoneNumber: NUMBER }).expect(204);
    const [[kept] = []] = readRows() as Record<string, unknown>[][];
    await service.close();

    const files = readdirSync(dataDir).map((name) => readFileSync(join(dataDir, name), 'latin1'));
    const isStored = (value: unknown) => files.some((file) => file.includes(String(value)));
    const sealed = [...verifications, ...keys].map((row) => row['sealed'] ?? row['sealed_answer']);
    expect(sealed).toHaveLength(81);
    expect(sealed.filter(isStored)).toEqual([kept?.['sealed']]);
  });

  it('has no idempotency key after a day, even if there were hundreds', async () => {
    const clock = new FakeClock();
    const opened = await openStore(clock, { DATA_DIR: dataDir });
    const idempotencyOf = (key: string) => ({ key, request: key });
    const send = async (i: number): Promise<string> => {
      const pinId = `pin-${String(i)}`;
      const number = phoneNumber(`+1415555${String(1_000 + i)}`);
      const verification = newVerification(pinId, number, clock.now());
      const admission = await opened.store.reserveSend(
        verification,
        idempotencyOf(`send-${pinId}`),
      );
      if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
      const accepted = { provider: 'infobip', pinId: 'provider-pin', possiblySentBy: [] };
      await opened.store.confirmSend(admission.reservation, accepted, sendResponse(pinId));
      return pinId;
    };
    // One key alone comes first, so that a batch of the cleanup ends between the two keys of a verification.
    await send(0);
    for (let i = 1; i <= 300; i += 1) {
      clock.advance(1);
      const request = { selector: { pinId: await send(i) }, client: 'shop', reference: undefined };
      const result = await opened.store.reserveAttempt(
        { ...request, codeLength: 6, now: clock.now() },
        idempotencyOf(`verify-${String(i)}`),
      );
      expect(result.outcome).toBe('granted');
    }
    // Two keys of each of the 300 verifications, and the first one.
    expect(readRows()[2]).toHaveLength(601);

    clock.advance(hours(24));
    await opened.runCleanup();

    expect(readRows()[2]).toEqual([]);
    await opened.close();
  });

  // This test fails without `addPossiblySentBy` in verification-queries.ts, and without `confirm` and `fail` in
  // send-outcome.repository.ts.
  it('names each provider that may have sent a message without confirming it', async () => {
    const clock = new FakeClock();
    const opened = await openStore(clock, { DATA_DIR: dataDir });
    const { store } = opened;
    const reserveSend = async (pinId: string, to: string) => {
      const admission = await store.reserveSend(
        newVerification(pinId, phoneNumber(to), clock.now()),
      );
      if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
      return admission.reservation;
    };
    await store.releaseSend(await reserveSend('failed', NUMBER), ['infobip']);
    const reservation = await reserveSend('resent', OTHER_NUMBER);
    const accepted = { provider: 'sinch', pinId: 'any', possiblySentBy: ['infobip'] };
    await store.confirmSend(reservation, accepted, sendResponse(reservation.pinId));
    clock.advance(30_000);
    const resend = { pinId: 'resent', client: 'shop', channel: 'sms', now: clock.now() } as const;
    const again = await store.reserveResend(resend);
    if (again.outcome !== 'admitted') throw new Error(again.outcome);
    await store.releaseSend(again.reservation, ['sinch']);
    await reserveSend('sent', '+14155572673');
    await opened.close();

    const [verifications = []] = readRows();
    const rows = verifications as { pin_id: string; status: string; maybe_texted: string }[];
    expect(rows.map(({ pin_id, status, maybe_texted }) => [pin_id, status, maybe_texted])).toEqual([
      ['failed', 'failed', 'infobip'],
      ['resent', 'pending', 'infobip,sinch'],
      ['sent', 'sending', ''],
    ]);
  });

  // This test fails without `deleteExpired` in cleanup.service.ts, and without cleanup-queries.ts.
  it('is deleted exactly when its retention time ends', async () => {
    const clock = new FakeClock();
    const start = clock.now();
    const opened = await openStore(clock, { DATA_DIR: dataDir });
    const { store } = opened;
    const createPending = async (
      to: string,
      changes: Partial<NewVerification>,
      idempotency?: IdempotentRequest,
    ) => {
      const verification = newVerification(to, phoneNumber(to), clock.now());
      const admission = await store.reserveSend({ ...verification, ...changes }, idempotency);
      if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
      const accepted = { provider: 'infobip', pinId: 'any', possiblySentBy: [] };
      await store.confirmSend(admission.reservation, accepted, sendResponse(verification.pinId));
    };
    await createPending(NUMBER, { endUserAddress: END_USER_IP }, { key: 'send', request: 'a' });
    await createPending(OTHER_NUMBER, {});
    const attempt = await grantAttempt(store, OTHER_NUMBER, { now: clock.now() });
    await store.completeAttempt(attempt, 'verified', clock.now());
    clock.advance(1);
    const idempotency = { key: 'verify', request: 'b' };
    await grantAttempt(store, NUMBER, { now: clock.now(), idempotency });
    await createPending('+14155572673', { endUserAddress: '203.0.113.8' });

    const rowsAfter = async (ms: number) => {
      clock.advance(start + ms - clock.now());
      await opened.runCleanup();
      return readRows().map(({ length }) => length);
    };
    const days = (count: number) => hours(24 * count);
    // Verifications, numbers, keys, traffic (as above, of three prefixes), end users. Kept for: end users
    // an hour; keys and unverified numbers a day; traffic two weeks after its time bucket; verifications
    // 30 days; verified numbers 90 days.
    expect(await rowsAfter(hours(1) - 1)).toEqual([3, 3, 2, 9, 2]);
    expect(await rowsAfter(hours(1))).toEqual([3, 3, 2, 9, 1]);
    expect(await rowsAfter(days(1) - 1)).toEqual([3, 3, 2, 9, 0]);
    expect(await rowsAfter(days(1))).toEqual([3, 3, 1, 9, 0]);
    expect(await rowsAfter(days(1) + 1)).toEqual([3, 1, 0, 9, 0]);
    expect(await rowsAfter(days(14) + minutes(5) - 1)).toEqual([3, 1, 0, 9, 0]);
    expect(await rowsAfter(days(14) + minutes(5))).toEqual([3, 1, 0, 0, 0]);
    expect(await rowsAfter(days(30) - 1)).toEqual([3, 1, 0, 0, 0]);
    expect(await rowsAfter(days(30))).toEqual([1, 1, 0, 0, 0]);
    expect(await rowsAfter(days(90) - 1)).toEqual([0, 1, 0, 0, 0]);
    expect(await rowsAfter(days(90))).toEqual([0, 0, 0, 0, 0]);
    await opened.close();
  });

  // This test fails without the two queries `…OfPreviousRelease` in cleanup.service.ts.
  it('is deleted as exactly if a replica of the previous release wrote a number', async () => {
    const clock = new FakeClock();
    const start = clock.now();
    const opened = await openStore(clock, { DATA_DIR: dataDir });
    const database = new Libsql(join(dataDir, 'otp.db'));
    database.exec(`insert into numbers (number_hash, sends, failures, touched_at, verified_at)
      values ('unverified', '', '', ${start}, 0), ('verified', '', '', ${start}, ${start})`);
    const numbersAfter = async (ms: number) => {
      clock.advance(start + ms - clock.now());
      await opened.runCleanup();
      return database.prepare('select number_hash from numbers').pluck().all();
    };

    expect(await numbersAfter(hours(24) - 1)).toEqual(['unverified', 'verified']);
    expect(await numbersAfter(hours(24))).toEqual(['verified']);
    expect(await numbersAfter(hours(24 * 90) - 1)).toEqual(['verified']);
    expect(await numbersAfter(hours(24 * 90))).toEqual([]);
    database.close();
    await opened.close();
  });

  // This test fails without `runInBatches` in cleanup.service.ts.
  it('is deleted to the last row when there is more than one batch', async () => {
    const clock = new FakeClock();
    const opened = await openStore(clock, { DATA_DIR: dataDir });
    const { store } = opened;
    // A batch of the cleanup deletes 500 rows.
    const numbers = Array.from({ length: 501 }, (_, i) =>
      phoneNumber(`+1415555${String(1_000 + i)}`),
    );
    await Promise.all(
      numbers.map((to) => store.reserveSend(newVerification(to.e164, to, clock.now()))),
    );
    clock.advance(hours(24 * 30));
    await opened.runCleanup();
    await opened.close();

    expect(readRows().map(({ length }) => length)).toEqual([0, 0, 0, 0, 0]);
  });
});
