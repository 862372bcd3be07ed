/**
 * Why a message did not arrive. `rejected`: by the provider or the mobile operator; `expired`: the
 * provider gave up after the validity of the message; `blocked`: by the mobile operator, the end user or
 * a fraud filter; `flooded`: too many messages to the number; `no_credit`: the account is empty.
 */
export const UNDELIVERED_REASONS = [
  'unreachable',
  'rejected',
  'expired',
  'blocked',
  'flooded',
  'no_credit',
] as const;
export type UndeliveredReason = (typeof UNDELIVERED_REASONS)[number];

/** Why a message with this status did not arrive; `undefined` if it did, or still may. */
export const findUndeliveredReason = (status: DeliveryStatus): UndeliveredReason | undefined =>
  UNDELIVERED_REASONS.find((reason) => reason === status);

/**
 * What became of a message, as providers report it. `pending`: on its way. `unknown`: the provider
 * cannot say whether it arrived. The others are final.
 */
export const DELIVERY_STATUSES = [
  'pending',
  'delivered',
  ...UNDELIVERED_REASONS,
  'unknown',
] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** The delivery of a message as its client sees it. */
export interface ClientDelivery {
  readonly status: 'pending' | 'delivered' | 'undelivered' | 'unknown';
  /** Of `undelivered`. */
  readonly reason?: UndeliveredReason;
  /** When the message got this status, in ISO 8601; absent if that is not known. */
  readonly at?: string;
}

/** @param hasExpired whether the code has expired; then the status `unknown` replaces `pending` */
export function toClientDelivery(
  { status, at }: { readonly status: DeliveryStatus; readonly at: number | undefined },
  hasExpired: boolean,
  toText: (time: number) => string,
): ClientDelivery {
  // Without `at`, which is the time of `pending`.
  if (status === 'pending' && hasExpired) return { status: 'unknown' };
  const time = at === undefined ? {} : { at: toText(at) };
  const reason = findUndeliveredReason(status);
  if (reason !== undefined) return { status: 'undelivered', reason, ...time };
  return { status: status as ClientDelivery['status'], ...time };
}
