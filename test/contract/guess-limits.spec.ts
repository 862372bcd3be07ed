import { minutes } from '../../src/common/durations.js';
import { PhoneNumber } from '../../src/common/phone-number.js';
import type { IdempotentRequest } from '../../src/storage/idempotency.types.js';
import type { VerificationStore } from '../../src/storage/verification-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { newVerification, sendResponse } from '../support/new-verification.js';
import { DATABASES, type OpenStore, type TestStorage } from '../support/store.js';

const SETTINGS = { CLIENT_WRONG_CODES_PER_DAY: '10' };
const CLIENT = 'shop';

describe.each(DATABASES)('The wrong codes of a client counted on %s', (engine, newStorage) => {
  let storage: TestStorage;
  let clock: FakeClock;
  let replicas: OpenStore[];
  let created: number;

  beforeEach(async () => {
    created = 0;
    clock = new FakeClock();
    storage = await newStorage();
    replicas = [await storage.open(clock, SETTINGS)];
    // Only one process can open a SQLite file.
    replicas.push(engine === 'SQLite' ? getFirstReplica() : await storage.open(clock, SETTINGS));
  });

  afterEach(async () => {
    for (const replica of new Set(replicas)) await replica.close();
    await storage.removeData();
  });

  function getFirstReplica(): OpenStore {
    const [first] = replicas;
    if (!first) throw new Error('no replica');
    return first;
  }

  async function createPending(store: VerificationStore): Promise<string> {
    created += 1;
    const number = PhoneNumber.fromE164(`+1415555${String(1_000 + created)}`);
    const pinId = `pin-${String(created)}`;
    const admission = await store.reserveSend(newVerification(pinId, number, clock.now()));
    if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
    const accepted = { provider: 'test-provider', pinId: 'any', possiblySentBy: [] };
    await store.confirmSend(admission.reservation, accepted, sendResponse(pinId));
    return pinId;
  }

  const reserveAttempt = ({ store }: OpenStore, pinId: string, idempotency?: IdempotentRequest) =>
    store.reserveAttempt(
      {
        selector: { pinId },
        client: CLIENT,
        reference: undefined,
        codeLength: 6,
        now: clock.now(),
      },
      idempotency,
    );

  /** Submits a wrong code. @returns the outcome of the reserved attempt */
  async function submitWrong(replica: OpenStore, pinId: string): Promise<string> {
    const result = await reserveAttempt(replica, pinId);
    if (result.outcome !== 'granted') return 'limit' in result ? result.limit : result.outcome;
    await replica.store.completeAttempt(result.attempt, 'wrong_code', clock.now());
    return result.outcome;
  }

  /** Submits wrong codes, up to five of each new verification. */
  async function submitMany(count: number, replica: OpenStore): Promise<string[]> {
    const outcomes = [];
    let pinId = '';
    for (let i = 0; i < count; i += 1) {
      if (i % 5 === 0) pinId = await createPending(replica.store);
      outcomes.push(await submitWrong(replica, pinId));
    }
    return outcomes;
  }

  // This test fails without `addCached` in guess-limits.ts.
  it('are limited exactly for the attempts of one replica', async () => {
    const outcomes = await submitMany(13, getFirstReplica());

    // At the limit, the first code of a verification is still checked: here the eleventh code.
    expect(outcomes.filter((outcome) => outcome === 'granted')).toHaveLength(11);
    expect(outcomes.slice(11)).toEqual(['client_wrong_codes', 'client_wrong_codes']);
  });

  // This test fails without `!lost` of `isLimited` in attempt.repository.ts.
  it('let a request repeat the first code if its answer was lost, and let no other code follow', async () => {
    const replica = getFirstReplica();
    await submitMany(10, replica);
    const pinId = await createPending(replica.store);
    const idempotency = { key: 'key', request: 'first' };
    const first = await reserveAttempt(replica, pinId, idempotency);
    if (first.outcome !== 'granted') throw new Error(first.outcome);
    clock.advance(minutes(2));

    const other = await reserveAttempt(replica, pinId, { key: 'other', request: 'other' });
    expect(other).toMatchObject({
      outcome: 'unresolved',
      rejection: { limit: 'client_wrong_codes' },
    });
    const repeated = await reserveAttempt(replica, pinId, idempotency);
    expect(repeated).toMatchObject({ outcome: 'granted', attempt: { isRepeat: true } });
  });

  // This test fails without `firstCodeOnly` in number-reservations.ts.
  it('let only one of two replicas check the first code', async () => {
    const [one, other] = replicas;
    if (!one || !other) throw new Error('no replica');
    await submitMany(10, one);
    clock.advance(minutes(5));
    const pinId = await createPending(one.store);

    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) => reserveAttempt(i % 2 ? one : other, pinId)),
    );
    expect(results.filter(({ outcome }) => outcome === 'granted')).toHaveLength(1);
  });

  // This test fails without `bucket` of `getCached` in guess-limits.ts.
  it('are seen by another replica at the latest in the next time bucket', async () => {
    const [one, other] = replicas;
    if (!one || !other) throw new Error('no replica');
    await submitMany(1, other);
    await submitMany(9, one);
    clock.advance(minutes(5));

    expect(await submitMany(2, other)).toEqual(['granted', 'client_wrong_codes']);
  });

  it('are kept when the service starts again', async () => {
    await submitMany(10, getFirstReplica());
    for (const replica of new Set(replicas)) await replica.close();
    replicas = [await storage.open(clock, SETTINGS)];

    expect(await submitMany(2, getFirstReplica())).toEqual(['granted', 'client_wrong_codes']);
  });
});
