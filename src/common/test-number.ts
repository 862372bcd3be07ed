import { timingSafeEqual } from 'node:crypto';
import { hours } from './durations.js';
import type { PhoneNumber } from './phone-number.js';

/** A number that is never texted: its code is agreed beforehand. */
export interface TestNumber {
  /** In E.164 form; need not be one that a numbering plan allows. */
  readonly e164: string;
  readonly code: string;
  /** From this moment on it is a number like any other; milliseconds since the epoch. */
  readonly endsAt: number | undefined;
}

const ENTRY = /^(\+[1-9]\d{6,14}):([0-9a-z]{4,10})(?:@(\d{4}-\d{2}-\d{2}))?$/i;

/** Reads `+15550001111:123456` or, with the last day it is good for (UTC), `…@2026-12-31`. */
export function parseTestNumber(text: string): TestNumber | undefined {
  const [, e164, code, lastDay] = ENTRY.exec(text) ?? [];
  if (e164 === undefined || code === undefined) return undefined;
  if (lastDay === undefined) return { e164, code, endsAt: undefined };
  const day = Date.parse(`${lastDay}T00:00:00Z`);
  const exists = !Number.isNaN(day) && new Date(day).toISOString().startsWith(lastDay);
  return exists ? { e164, code, endsAt: day + hours(24) } : undefined;
}

/** The entry of this number that is good now. */
export function testNumberOf(
  entries: readonly TestNumber[],
  { e164 }: PhoneNumber,
  now: number,
): TestNumber | undefined {
  return entries.find(
    (entry) => entry.e164 === e164 && (entry.endsAt === undefined || now < entry.endsAt),
  );
}

/** Compares in a time that tells nothing but the length. */
export function isCodeOf({ code }: TestNumber, given: string): boolean {
  const [expected, actual] = [Buffer.from(code), Buffer.from(given)];
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
