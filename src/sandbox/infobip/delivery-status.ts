/** The names of Infobip's status groups, by id. */
const GROUP_NAMES: Readonly<Partial<Record<number, string>>> = {
  1: 'PENDING',
  2: 'UNDELIVERABLE',
  3: 'DELIVERED',
  4: 'EXPIRED',
  5: 'REJECTED',
};
const REJECTED_GROUP_ID = 5;

/** Infobip's statuses of a message, by name: group and id. */
const STATUSES: Readonly<Partial<Record<string, readonly [groupId: number, id: number]>>> = {
  PENDING_WAITING_DELIVERY: [1, 3],
  PENDING_ENROUTE: [1, 7],
  PENDING_ACCEPTED: [1, 26],
  DELIVERED_TO_OPERATOR: [3, 2],
  DELIVERED_TO_HANDSET: [3, 5],
  UNDELIVERABLE_REJECTED_OPERATOR: [2, 4],
  UNDELIVERABLE_NOT_DELIVERED: [2, 9],
  UNDELIVERABLE_NOT_SENT: [2, 31],
  NO_ANSWER: [2, 96],
  BUSY: [2, 97],
  CANCELLED: [2, 98],
  EXPIRED_EXPIRED: [4, 15],
  EXPIRED_DLR_UNKNOWN: [4, 29],
  // Infobip also documents it in group 5, for a message that is not charged.
  SIGNALS_BLOCKED: [4, 87],
  REJECTED_NETWORK: [5, 6],
  REJECTED_PREFIX_MISSING: [5, 8],
  REJECTED_DND: [5, 10],
  REJECTED_SOURCE: [5, 11],
  REJECTED_NOT_ENOUGH_CREDITS: [5, 12],
  REJECTED_SENDER: [5, 13],
  REJECTED_DESTINATION_BLOCKLISTED: [5, 14],
  REJECTED_PREPAID_PACKAGE_EXPIRED: [5, 17],
  REJECTED_DESTINATION_NOT_REGISTERED: [5, 18],
  REJECTED_ROUTE_NOT_AVAILABLE: [5, 19],
  REJECTED_FLOODING_FILTER: [5, 20],
  REJECTED_SYSTEM_ERROR: [5, 21],
  REJECTED_DUPLICATE_MESSAGE_ID: [5, 23],
  REJECTED_INVALID_UDH: [5, 24],
  REJECTED_MESSAGE_TOO_LONG: [5, 25],
  MISSING_TO: [5, 51],
  REJECTED_DESTINATION: [5, 52],
  REJECTED: [5, 99],
  UNDELIVERABLE_REJECTED_PLATFORM: [5, 100],
};

/** Names of errors, by id. Infobip has many more. */
const ERRORS: Readonly<Partial<Record<number, string>>> = {
  0: 'NO_ERROR',
  1: 'EC_UNKNOWN_SUBSCRIBER',
  5: 'EC_UNIDENTIFIED_SUBSCRIBER',
  6: 'EC_ABSENT_SUBSCRIBER_SM',
  27: 'EC_ABSENT_SUBSCRIBER',
  31: 'EC_SUBSCRIBER_BUSY_FOR_MT_SMS',
  811: 'EC_MESSAGE_EXPIRED',
  4103: 'EC_DESTINATION_FLOODING',
  4104: 'EC_DESTINATION_TXT_FLOODING',
};
const PERMANENT_ERRORS: readonly number[] = [1, 5, 4103, 4104];

/**
 * Builds the `status` of a delivery report. A name that Infobip does not document has no `id`, and a
 * group only by `chosenGroupId`.
 */
export function buildStatus(name: string, chosenGroupId?: number) {
  const [documentedGroupId, id] = STATUSES[name] ?? [];
  const groupId = chosenGroupId ?? documentedGroupId;
  const groupName = groupId === undefined ? undefined : GROUP_NAMES[groupId];
  return { groupId, groupName, id, name, description: `Simulated: ${name}` };
}

/** Builds the `error` of a delivery report. Simplified: from id 500, each is in the group of user errors. */
export function buildError(id: number) {
  const name = ERRORS[id] ?? `EC_${String(id)}`;
  const group =
    id === 0
      ? { groupId: 0, groupName: 'OK' }
      : id < 500
        ? { groupId: 1, groupName: 'HANDSET_ERRORS' }
        : { groupId: 2, groupName: 'USER_ERRORS' };
  const description = `Simulated: ${name}`;
  return { ...group, id, name, description, permanent: PERMANENT_ERRORS.includes(id) };
}

/** Whether Infobip charges for a message with this status. */
export const isCharged = ({ groupId }: { groupId?: number | undefined }): boolean =>
  groupId !== REJECTED_GROUP_ID;
