import { timingSafeEqual } from 'node:crypto';
import { hours } from './durations.js';
import { toIdentity } from './phone-identity.js';
import type { PhoneNumber } from './phone-number.js';

/** A phone number with a fixed code; no message is sent to it. */
export interface TestNumber {
  /** {@link PhoneNumber.identity}; the numbering plan need not have this number. */
  readonly identity: string;
  readonly code: string;
  /** When it becomes an ordinary number, in milliseconds since the epoch; `undefined` for never. */
  readonly expiresAt: number | undefined;
}

const ENTRY = /^(\+[1-9]\d{6,14}):([0-9a-z]{4,10})(?:@(\d{4}-\d{2}-\d{2}))?$/i;

/**
 * Parses `+15550001111:123456` or, with its last valid day (UTC), `…@2026-12-31`.
 * @returns `undefined` for any other text
 */
export function parseTestNumber(text: string): TestNumber | undefined {
  const [, e164, code, lastDay] = ENTRY.exec(text) ?? [];
  if (e164 === undefined || code === undefined) return undefined;
  const identity = toIdentity(e164);
  if (lastDay === undefined) return { identity, code, expiresAt: undefined };
  const day = Date.parse(`${lastDay}T00:00:00Z`);
  const exists = !Number.isNaN(day) && new Date(day).toISOString().startsWith(lastDay);
  return exists ? { identity, code, expiresAt: day + hours(24) } : undefined;
}

/** @returns `undefined` if the number is no test number, or has expired */
export function findActiveTestNumber(
  entries: readonly TestNumber[],
  { identity }: PhoneNumber,
  now: number,
): TestNumber | undefined {
  return entries.find(
    (entry) =>
      entry.identity === identity && (entry.expiresAt === undefined || now < entry.expiresAt),
  );
}

/** Compares in constant time if both codes have the same length. */
export function matchesTestCode({ code }: TestNumber, submitted: string): boolean {
  const [expected, actual] = [Buffer.from(code), Buffer.from(submitted)];
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
