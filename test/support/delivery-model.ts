/** The delivery status of a message, as the API returns it without the time. */
export type ModelStatus =
  | 'pending'
  | 'unknown'
  | 'delivered'
  | 'unreachable'
  | 'rejected'
  | 'expired'
  | 'blocked'
  | 'flooded'
  | 'no_credit';

/** Statuses of Infobip, and what each means. */
export const INFOBIP_MEANINGS: Readonly<Record<string, ModelStatus>> = {
  PENDING_ENROUTE: 'pending',
  DELIVERED_TO_OPERATOR: 'pending',
  DELIVERED_TO_HANDSET: 'delivered',
  UNDELIVERABLE_NOT_DELIVERED: 'unreachable',
  EXPIRED_EXPIRED: 'expired',
  EXPIRED_DLR_UNKNOWN: 'unknown',
  REJECTED_DND: 'blocked',
  REJECTED_NOT_ENOUGH_CREDITS: 'no_credit',
};

/** `pending` < `unknown` < final. */
const rankOf = (status: ModelStatus): number =>
  status === 'pending' ? 0 : status === 'unknown' ? 1 : 2;

/** The status after a report. A final status stays, but an expired message may still arrive. */
export function applyReport(current: ModelStatus, reported: ModelStatus): ModelStatus {
  if (current === 'expired' && reported === 'delivered') return 'delivered';
  return rankOf(reported) > rankOf(current) ? reported : current;
}

/** The statuses that are possible after reports that arrive at the same time, in any order. */
export function applyInAnyOrder(
  current: readonly ModelStatus[],
  reported: readonly ModelStatus[],
): ModelStatus[] {
  if (reported.length === 0) return [...new Set(current)];
  const outcomes = reported.flatMap((first, index) =>
    applyInAnyOrder(
      current.map((status) => applyReport(status, first)),
      reported.filter((_status, other) => other !== index),
    ),
  );
  return [...new Set(outcomes)];
}
