import type { DeliveryStatus } from '../../common/delivery-status.js';
import type { InfobipReportError, InfobipReportStatus } from './infobip.types.js';

/** Infobip's statuses: id, name, and our status. https://www.infobip.com/docs/essentials/response-status-and-error-codes */
const STATUSES: readonly (readonly [id: number, name: string, status: DeliveryStatus])[] = [
  // The operator has the message; the phone may not have it yet.
  [2, 'DELIVERED_TO_OPERATOR', 'pending'],
  [3, 'PENDING_WAITING_DELIVERY', 'pending'],
  [7, 'PENDING_ENROUTE', 'pending'],
  [26, 'PENDING_ACCEPTED', 'pending'],
  [5, 'DELIVERED_TO_HANDSET', 'delivered'],
  [4, 'UNDELIVERABLE_REJECTED_OPERATOR', 'rejected'],
  [31, 'UNDELIVERABLE_NOT_SENT', 'rejected'],
  [9, 'UNDELIVERABLE_NOT_DELIVERED', 'unreachable'],
  [96, 'NO_ANSWER', 'unreachable'],
  [97, 'BUSY', 'unreachable'],
  [98, 'CANCELLED', 'unreachable'],
  [15, 'EXPIRED_EXPIRED', 'expired'],
  // The operator sent no report.
  [29, 'EXPIRED_DLR_UNKNOWN', 'unknown'],
  [87, 'SIGNALS_BLOCKED', 'blocked'],
  [20, 'REJECTED_FLOODING_FILTER', 'flooded'],
  [12, 'REJECTED_NOT_ENOUGH_CREDITS', 'no_credit'],
  [17, 'REJECTED_PREPAID_PACKAGE_EXPIRED', 'no_credit'],
  [10, 'REJECTED_DND', 'blocked'],
  [14, 'REJECTED_DESTINATION_BLOCKLISTED', 'blocked'],
  [6, 'REJECTED_NETWORK', 'rejected'],
  [8, 'REJECTED_PREFIX_MISSING', 'rejected'],
  [11, 'REJECTED_SOURCE', 'rejected'],
  [13, 'REJECTED_SENDER', 'rejected'],
  [18, 'REJECTED_DESTINATION_NOT_REGISTERED', 'rejected'],
  [19, 'REJECTED_ROUTE_NOT_AVAILABLE', 'rejected'],
  [21, 'REJECTED_SYSTEM_ERROR', 'rejected'],
  [23, 'REJECTED_DUPLICATE_MESSAGE_ID', 'rejected'],
  [24, 'REJECTED_INVALID_UDH', 'rejected'],
  [25, 'REJECTED_MESSAGE_TOO_LONG', 'rejected'],
  [51, 'MISSING_TO', 'rejected'],
  [52, 'REJECTED_DESTINATION', 'rejected'],
  [99, 'REJECTED', 'rejected'],
  [100, 'UNDELIVERABLE_REJECTED_PLATFORM', 'rejected'],
];

/** Infobip's groups of statuses, for a status that is not in `STATUSES`: id, name, and our status. */
const GROUPS: readonly (readonly [id: number, name: string, status: DeliveryStatus])[] = [
  [0, 'ACCEPTED', 'pending'],
  [1, 'PENDING', 'pending'],
  [2, 'UNDELIVERABLE', 'unreachable'],
  // DELIVERED_TO_OPERATOR is in this group, too.
  [3, 'DELIVERED', 'pending'],
  [4, 'EXPIRED', 'expired'],
  [5, 'REJECTED', 'rejected'],
];

/** The ids of errors that say more than the status of the message, and our status. */
const ERRORS: readonly (readonly [ids: readonly number[], status: DeliveryStatus])[] = [
  // The subscriber is unknown, absent or busy.
  [[1, 5, 6, 27, 31], 'unreachable'],
  [[811], 'expired'],
  // Blocked by the operator, the end user or a fraud filter.
  [[560, 561, 566, 573, 603, 604, 608, 609], 'blocked'],
  [[4103, 4104], 'flooded'],
];

/** The groups of messages that did not arrive. */
const FAILED_GROUPS: readonly unknown[] = ['UNDELIVERABLE', 'EXPIRED', 'REJECTED'];

/**
 * Our status for a report. Ids decide before names. For a message that did not arrive, a known error
 * decides before both, unless the status is `no_credit`.
 */
export function toDeliveryStatus(
  status: InfobipReportStatus = {},
  error: InfobipReportError = {},
): DeliveryStatus {
  const group = find(GROUPS, status.groupId, status.groupName);
  const byStatus = find(STATUSES, status.id, status.name)?.[2] ?? group?.[2] ?? 'unknown';
  if (!FAILED_GROUPS.includes(group?.[1]) || byStatus === 'no_credit') return byStatus;
  return ERRORS.find(([ids]) => ids.some((id) => id === error.id))?.[1] ?? byStatus;
}

const find = (table: typeof STATUSES, id: unknown, name: unknown) =>
  table.find(([entryId]) => entryId === id) ?? table.find(([, entryName]) => entryName === name);
