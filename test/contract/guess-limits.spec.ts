import { minutes } from '../../src/common/durations.js';
import { PhoneNumber } from '../../src/common/phone-number.js';
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
    replicas.push(engine === 'SQLite' ? openedFirst() : await storage.open(clock, SETTINGS));
  });

  afterEach(async () => {
    for (const replica of new Set(replicas)) await replica.close();
    await storage.remove();
  });

  function openedFirst(): OpenStore {
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

  /** Submits a wrong code for a new number. @returns the outcome of the reserved attempt */
  async function submitWrong({ store }: OpenStore): Promise<string> {
    const selector = { pinId: await createPending(store) };
    const request = { selector, client: CLIENT, reference: undefined, now: clock.now() };
    const result = await store.reserveAttempt(request);
    if (result.outcome !== 'granted') return 'limit' in result ? result.limit : result.outcome;
    await store.completeAttempt(result.attempt, 'wrong_code', clock.now());
    return result.outcome;
  }

  async function submitMany(count: number, replica: OpenStore): Promise<string[]> {
    const outcomes = [];
    for (let i = 0; i < count; i += 1) outcomes.push(await submitWrong(replica));
    return outcomes;
  }

  // Fails without guess-limits.ts, addWrongCode: the cached counts
  it('are limited exactly for the attempts of one replica', async () => {
    const outcomes = await submitMany(12, openedFirst());

    expect(outcomes.filter((outcome) => outcome === 'granted')).toHaveLength(10);
    expect(outcomes.slice(10)).toEqual(['client_wrong_codes', 'client_wrong_codes']);
  });

  // Fails without guess-limits.ts, getCached: `bucket`
  it('are seen by another replica at the latest in the next time bucket', async () => {
    const [one, other] = replicas;
    if (!one || !other) throw new Error('no replica');
    await submitWrong(other);
    await submitMany(9, one);
    clock.advance(minutes(5));

    expect(await submitMany(1, other)).toEqual(['client_wrong_codes']);
  });

  it('are kept when the service starts again', async () => {
    await submitMany(10, openedFirst());
    for (const replica of new Set(replicas)) await replica.close();
    replicas = [await storage.open(clock, SETTINGS)];

    expect(await submitMany(1, openedFirst())).toEqual(['client_wrong_codes']);
  });
});
