import { sql, type RawBuilder } from 'kysely';
import type { FloodFilter, FloodFilters } from '../../common/flood-filter.js';
import { countAfter, toBounds, toTimeText, type SlidingWindow } from './sliding-window.js';

/*
 * A message costs money. So it is sent only if its code can be verified, and if no flood filter of a
 * provider drops it. Both are conditions of the statement that counts the send.
 */

/** How many messages to one number a flood filter lets through in a window. */
export type MessageFilter = Pick<FloodFilter, 'messages' | 'windowMs'>;

/** What decides whether the message of a send is of use. */
export interface SendRequirements {
  /** When the code expires, in milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Codes that were checked for the verification. */
  readonly attempts: number;
  readonly messageFilter: MessageFilter | undefined;
}

/** {@link SendRequirements} as parameters of the statement. */
export interface RequirementValues {
  /** Only wrong codes after these times still count when the code expires: one time per window. */
  readonly codesAfter0: string;
  readonly codesAfter1: string;
  /** 1 if no code of the verification was checked. */
  readonly isFirstCode: 0 | 1;
  /** Only sends after this time count for the flood filter. */
  readonly filteredAfter: string;
  /** How many messages the flood filter lets through. */
  readonly filteredMessages: number;
}

/** A time after every entry: without a flood filter, no sends count. */
const NEVER = '9'.repeat(13);

/**
 * At most this many sends of one client count for a flood filter. No known filter lets more messages
 * through.
 */
const MAX_FILTERED_SENDS = 20;

/** The strictest of the filters that a message may meet; `undefined` if there are none. */
export function findMessageFilter(filters: FloodFilters): MessageFilter | undefined {
  if (filters.size === 0) return undefined;
  const all = [...filters.values()];
  return {
    messages: Math.min(MAX_FILTERED_SENDS, ...all.map(({ messages }) => messages)),
    windowMs: Math.max(...all.map(({ windowMs }) => windowMs)),
  };
}

/** @param windows the two windows of wrong codes, an hour and a day */
export function toRequirementValues(
  { expiresAt, attempts, messageFilter }: SendRequirements,
  windows: readonly SlidingWindow[],
  now: number,
): RequirementValues {
  // A code is checked until the millisecond before it expires.
  const [codesAfter0 = '', codesAfter1 = ''] = toBounds(windows, expiresAt - 1);
  return {
    codesAfter0,
    codesAfter1,
    isFirstCode: attempts === 0 ? 1 : 0,
    filteredAfter: messageFilter ? toTimeText(now - messageFilter.windowMs) : NEVER,
    filteredMessages: messageFilter?.messages ?? 1,
  };
}

/**
 * Whether the flood filter lets another message through, by the sends of all clients to the number.
 * Calls and messages of other providers count, too. Concurrent requests of several clients may
 * exceed the filter by the requests in flight.
 */
export const passesFloodFilter = ({
  numberHash,
  filteredAfter,
  filteredMessages,
}: RequirementValues & { numberHash: string }): RawBuilder<boolean> => {
  const count = countAfter(sql.ref('sends'), MAX_FILTERED_SENDS, filteredAfter);
  return sql`(
    select coalesce(sum(${count}), 0) from client_numbers
    where number_hash = ${numberHash}) < ${filteredMessages}`;
};
