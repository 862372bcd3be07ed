import { minutes } from '../../src/common/durations.js';
import { PhoneNumber } from '../../src/common/phone-number.js';
import type { NewVerification } from '../../src/storage/send.types.js';
import type { FakeClock } from './fake-clock.js';
import { grantAttempt } from './grant-attempt.js';
import { newVerification, sendResponse } from './new-verification.js';
import type { OpenStore } from './store.js';

/** Verifications that {@link storeUsageRecords} stores, all alike. */
interface UsageRecord {
  readonly client: string;
  readonly country: string;
  readonly provider: string;
  readonly channel: NewVerification['channel'];
  readonly isVerified?: boolean;
  /** The provider of a resend. */
  readonly resentBy?: string;
  readonly isErased?: boolean;
  /** The number of these verifications. */
  readonly count: number;
}

const shop = { client: 'shop', provider: 'infobip', channel: 'sms' } as const;

const RECORDS: readonly UsageRecord[] = [
  { ...shop, country: 'DE', isVerified: true, count: 9 },
  { ...shop, country: 'DE', isVerified: true, isErased: true, count: 2 },
  { ...shop, country: 'DE', resentBy: 'sinch', count: 1 },
  { ...shop, country: 'DE', provider: 'sinch', isErased: true, count: 1 },
  { ...shop, country: 'CH', channel: 'voice', isVerified: true, count: 1 },
  { ...shop, country: 'CH', count: 2 },
  { client: 'bank', country: 'US', provider: 'sinch', channel: 'sms', isVerified: true, count: 5 },
  { client: 'bank', country: 'FR', provider: 'sinch', channel: 'voice', count: 1 },
];

/** The sends that a limit blocked. */
const BLOCKED: readonly (readonly [client: string, country: string, count: number])[] = [
  ['shop', 'DE', 3],
  ['bank', 'NG', 12],
];

/** Stores the records of the example in docs/usage.md, and erases some of them again. */
export async function storeUsageRecords(opened: OpenStore, clock: FakeClock): Promise<void> {
  let created = 0;
  for (const record of RECORDS) {
    for (let i = 0; i < record.count; i += 1) {
      created += 1;
      await storeRecord(opened, clock, record, created);
    }
  }
  for (const [client, country, count] of BLOCKED) {
    for (let i = 0; i < count; i += 1) {
      opened.events.emit({
        type: 'send_blocked',
        context: { requestId: 'any' },
        client,
        country,
        channel: 'sms',
        problem: 'cooldown_active',
      });
    }
  }
}

async function storeRecord(
  { store }: OpenStore,
  clock: FakeClock,
  { client, country, provider, channel, isVerified, resentBy, isErased }: UsageRecord,
  id: number,
): Promise<void> {
  const number = PhoneNumber.fromE164(`+1415555${String(2_000 + id)}`);
  const pinId = `pin-${String(id)}`;
  const usual = newVerification(pinId, number, clock.now(), country);
  const admission = await store.reserveSend({ ...usual, client, channel });
  if (admission.outcome !== 'admitted') throw new Error(admission.outcome);
  const accepted = { provider, pinId: 'any', possiblySentBy: [] };
  await store.confirmSend(admission.reservation, accepted, sendResponse(pinId));
  if (resentBy !== undefined) {
    clock.advance(minutes(1));
    const resend = await store.reserveResend({ pinId, client, channel, now: clock.now() });
    if (resend.outcome !== 'admitted') throw new Error(resend.outcome);
    const resent = { provider: resentBy, pinId: 'any', possiblySentBy: [] };
    await store.confirmSend(resend.reservation, resent, sendResponse(pinId));
  }
  if (isVerified === true) {
    const attempt = await grantAttempt(store, pinId, { now: clock.now(), client });
    await store.completeAttempt(attempt, 'verified', clock.now());
  }
  if (isErased === true) await store.erase(number, client);
}
