import { sql, type RawBuilder } from 'kysely';
import { hours } from '../../common/durations.js';
import { getClientShare, type LimitsConfig } from '../../config/limits.config.js';
import type { OtpConfig } from '../../config/otp.config.js';
import {
  getBlockedUntil,
  getEntryTime,
  isBelow,
  type SlidingWindow,
  type WindowEntryColumn,
} from './sliding-window.js';

/*
 * The limits of a number count for each client by itself. A client that is alone at a number has the
 * whole limit. While other clients have events there too, each one has a share of it. So no client
 * can use up what another one needs.
 */

/** A limit of a number, for one client. */
export interface NumberWindow extends SlidingWindow {
  /** How much of `count` a client has while other clients have events in the window, too. */
  readonly share: number;
  /** Whether only events count that happened after the client last verified the number. */
  readonly restartsAtSuccess: boolean;
}

/** The limits of a number, each with a shorter and a longer window. */
export interface NumberWindows {
  /** The cooldown, and the limit of a day. */
  readonly sends: readonly [NumberWindow, NumberWindow];
  /** Wrong codes in an hour and in a day. */
  readonly failures: readonly [NumberWindow, NumberWindow];
}

export function createNumberWindows(otp: OtpConfig, limits: LimitsConfig): NumberWindows {
  const toWindow = (count: number, windowMs: number, restartsAtSuccess = false) => ({
    count,
    windowMs,
    share: getClientShare(count, limits),
    restartsAtSuccess,
  });
  return {
    sends: [toWindow(1, otp.sendCooldownMs), toWindow(limits.sendsPerNumberPerDay, hours(24))],
    // NIST SP 800-63B-4 §3.2.2 disregards failures before a success. The limit of a day counts them
    // all the same: otherwise someone could often guess codes of a user who logs in often.
    failures: [
      toWindow(limits.failuresPerNumberPerHour, hours(1), true),
      toWindow(limits.failuresPerNumberPerDay, hours(24)),
    ],
  };
}

/** The entries of a client and number, and when the client last verified it; 0 if never. */
export interface NumberEntries {
  readonly entries: string;
  readonly verifiedAt: number;
}

/**
 * Whether a window accepts another event of a client. The client's row is locked, so its count is
 * exact. Concurrent requests of two clients may exceed the shares by the requests in flight.
 * @param after when the window began
 * @param isExempt whether the whole limit applies although other clients have events
 */
export function isNumberWindowFree(
  { table, column }: WindowEntryColumn,
  { count, share, restartsAtSuccess }: NumberWindow,
  entries: RawBuilder<unknown>,
  after: unknown,
  isExempt?: RawBuilder<boolean>,
): RawBuilder<boolean> {
  const isOwnBelow = (limit: number) => {
    const isInWindow = isBelow(entries, limit, after);
    if (!restartsAtSuccess) return isInWindow;
    const lastSuccess = sql`cast(${sql.ref(`${table}.verified_at`)} as text)`;
    return sql<boolean>`(${isInWindow} or ${isBelow(entries, limit, lastSuccess)})`;
  };
  if (share >= count) return isOwnBelow(count);
  const isAlone = sql<boolean>`not exists (
    select 1 from ${sql.table(table)} as other
    where other.number_hash = ${sql.ref(`${table}.number_hash`)}
      and other.client <> ${sql.ref(`${table}.client`)}
      and not ${isBelow(sql.ref(`other.${column}`), 1, after)})`;
  const hasWholeLimit = isExempt ? sql`(${isAlone} or ${isExempt})` : isAlone;
  return sql`(${isOwnBelow(share)} or (${isOwnBelow(count)} and ${hasWholeLimit}))`;
}

/** When the client's own events next allow another event; `undefined` if they do now. */
export const getOwnBlockedUntil = (
  number: NumberEntries,
  now: number,
  windows: readonly NumberWindow[],
): number | undefined => findBlockedUntil(number, now, windows, ({ count }) => count);

/** Whether the client's share of a limit is used up now, and still is at the time `at`. */
export const isShareUsed = (
  number: NumberEntries,
  now: number,
  windows: readonly NumberWindow[],
  at = now,
): boolean => (findBlockedUntil(number, now, windows, ({ share }) => share) ?? -1) >= at;

function findBlockedUntil(
  { entries, verifiedAt }: NumberEntries,
  now: number,
  windows: readonly NumberWindow[],
  getLimit: (window: NumberWindow) => number,
): number | undefined {
  const counting = windows.flatMap((window) => {
    const [count, { windowMs, restartsAtSuccess }] = [getLimit(window), window];
    const isReset = restartsAtSuccess && getEntryTime(entries, count) <= verifiedAt;
    return isReset ? [] : { count, windowMs };
  });
  return getBlockedUntil(entries, now, counting);
}
