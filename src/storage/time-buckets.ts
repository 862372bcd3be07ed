import { hours, minutes } from '../common/durations.js';

/*
 * Traffic is counted by slots of five minutes. A text belongs to the slot in which its
 * verification was created, and so does every resend of it.
 */

const SLOT_MS = minutes(5);

/** The windows, in slots. With the slot that is under way, each is a little longer than its name. */
export const WINDOWS = {
  hour: hours(1) / SLOT_MS,
  day: hours(24) / SLOT_MS,
  twoWeeks: hours(14 * 24) / SLOT_MS,
};

/** The slot of a time in milliseconds since the epoch. */
export const bucketAt = (time: number): number => Math.floor(time / SLOT_MS);

/**
 * The oldest slot whose codes may still be typed if they live for `ttlMs`. What is in an older one
 * does not change any more.
 */
export const firstRecentBucket = (slot: number, ttlMs: number): number =>
  slot - Math.ceil(ttlMs / SLOT_MS);

/** When a slot leaves a window of so many slots, in milliseconds since the epoch. */
export const bucketExpiresAt = (slot: number, window: number): number =>
  (slot + window + 1) * SLOT_MS;
