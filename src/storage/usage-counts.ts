import { sql } from 'kysely';
import { hours } from '../common/durations.js';
import { UNDELIVERED_REASONS, type DeliveryStatus } from '../common/delivery-status.js';
import { isVerified } from './is-verified.js';
import type { MessageRow, UsageRow, VerificationRow } from './migrations/schema.js';

/** 25 months, so that a month can be compared with the same month two years earlier. */
export const USAGE_RETENTION_MS = hours(24 * 762);

export const USAGE_COUNTS = [
  'verifications',
  'sends',
  'delivered',
  'undelivered',
  'verified',
  'blocked',
] as const satisfies readonly (keyof UsageRow)[];

export type Usage = Readonly<UsageRow>;
export type UsageCounts = Pick<Usage, (typeof USAGE_COUNTS)[number]>;

export const NO_USAGE = Object.fromEntries(USAGE_COUNTS.map((name) => [name, 0])) as UsageCounts;

/** The columns of a verification from which its usage is counted. */
export const COUNTED_COLUMNS = [
  'client',
  'country',
  'provider',
  'channel',
  'status',
  'texts',
  'earlier_sends',
  'maybe_texted',
] as const;

/** A verification, or several with equal values in these columns; `texts` counts its sends. */
export type CountedVerification = Pick<
  VerificationRow,
  'client' | 'country' | 'provider' | 'channel' | 'texts'
> & {
  readonly status: string;
  /** `provider:channel` of each accepted send before the last one, with commas between. */
  readonly earlier_sends: string;
  /** Providers that may have sent an unconfirmed message, with commas between. */
  readonly maybe_texted: string;
};

const UNDELIVERED: ReadonlySet<DeliveryStatus> = new Set(UNDELIVERED_REASONS);

/** A verification that a statement deleted. */
export type DeletedVerification = CountedVerification & { readonly created_at: number };

/** The columns of a {@link DeletedVerification}, for `returning`. */
export const DELETED_VERIFICATION_COLUMNS = sql.join(
  ['created_at', ...COUNTED_COLUMNS].map((column) => sql.ref(column)),
);

/** A message that a statement deleted. */
export type DeletedMessage = Pick<
  MessageRow,
  'sent_at' | 'client' | 'country' | 'provider' | 'channel' | 'status'
>;

/** The columns of a {@link DeletedMessage}, for `returning`. */
export const DELETED_MESSAGE_COLUMNS = sql`sent_at, client, country, provider, channel, status`;

/** The UTC day of a time in milliseconds since the epoch. */
export const toDay = (time: number): string => new Date(time).toISOString().slice(0, 10);

/**
 * Counts the usage of verifications. A send counts for its own provider and channel, a verification
 * for those of its last accepted send. Test numbers and messages that were not sent do not count.
 * @param count the number of verifications with these columns
 */
export function countUsage(row: CountedVerification, day: string, count = 1): Usage[] {
  const sends = row.texts === 0 ? [] : listSends(row);
  // Sends without a stored provider count for the first in the list. They are a running resend,
  // resends of earlier releases, and a resend that replaced no code and whose write was repeated.
  const sendsWithoutProvider = Math.max(0, row.texts - sends.length);
  return sends.map(([provider, channel], index) => ({
    day,
    client: row.client,
    country: row.country,
    provider,
    channel,
    ...NO_USAGE,
    sends: count,
    ...(index === 0 && {
      verifications: count,
      sends: count * (1 + sendsWithoutProvider),
      verified: isVerified(row.status) ? count : 0,
    }),
  }));
}

/** Counts the delivery of a message, if it is known, for the day on which it was sent. */
export function countDelivery(message: DeletedMessage): Usage[] {
  const { sent_at, client, country, provider, channel, status } = message;
  const isUndelivered = UNDELIVERED.has(status);
  if (status !== 'delivered' && !isUndelivered) return [];
  const counts = isUndelivered ? { undelivered: 1 } : { delivered: 1 };
  return [{ day: toDay(sent_at), client, country, provider, channel, ...NO_USAGE, ...counts }];
}

/** Provider and channel of each message: the last accepted, the possibly sent, the earlier ones. */
function listSends(row: CountedVerification): (readonly [provider: string, channel: string])[] {
  const { provider, channel, earlier_sends, maybe_texted } = row;
  const earlier = splitList(earlier_sends).map((send) => send.split(':'));
  return [
    ...(provider === '' ? [] : [[provider, channel] as const]),
    ...splitList(maybe_texted).map((name) => [name, channel] as const),
    ...earlier.map(([name = '', sentOn = '']) => [name, sentOn] as const),
  ];
}

const splitList = (text: string): string[] => text.split(',').filter((item) => item !== '');

/** The sum of usage for each key. */
export class UsageSum {
  private readonly sums = new Map<string, Usage>();

  get size(): number {
    return this.sums.size;
  }

  add(usage: Usage): void {
    const key = [usage.day, usage.client, usage.country, usage.provider, usage.channel].join('\n');
    const sum = this.sums.get(key);
    this.sums.set(key, sum ? Object.assign({}, sum, addCounts(sum, usage)) : usage);
  }

  /** Sorted by key, so that concurrent transactions lock rows in the same order. */
  list(): Usage[] {
    return [...this.sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, usage]) => usage);
  }
}

export const addCounts = (a: UsageCounts, b: UsageCounts): UsageCounts =>
  Object.fromEntries(USAGE_COUNTS.map((name) => [name, a[name] + b[name]])) as UsageCounts;
