import { hours } from '../common/durations.js';

/** For so long after somebody verified a number it is known, in milliseconds. */
export const TRUSTED_NUMBER_MS = hours(90 * 24);

/** Texts, and how many of them carried a code that somebody verified. */
export interface SendCounts {
  readonly sends: number;
  readonly verified: number;
}

/** The texts to one destination: those whose codes may still be typed, and older ones. */
export interface DestinationCounts {
  /** A code of these may still be typed. */
  readonly recent: SendCounts;
  /** Of the last hour, less the young. */
  readonly hour: SendCounts;
  /** Of the last day, less the young. */
  readonly day: SendCounts;
  /** Of the last two weeks, less the young. */
  readonly twoWeeks: SendCounts;
}

/** What a text's destination is part of. */
export type BudgetScope = 'prefix' | 'country';

/** A budget of unverified texts that a destination is over, and the counts that say so. */
export interface BudgetViolation {
  readonly scope: BudgetScope;
  readonly window: 'hour' | 'day';
  /** Whether texts whose codes may still be typed are among the unverified. */
  readonly includesRecent: boolean;
  /** Unverified texts in the window. */
  readonly unverified: number;
  /** What the budget allows of them. */
  readonly allowed: number;
  /** Verified texts in the window, the young among them. */
  readonly verified: number;
  /** False where the text may go all the same. */
  readonly enforced: boolean;
}

/** Finds the budget that a destination is over, if any: a function of nothing but the counts. */
export type TrafficEvaluator = (
  traffic: Readonly<Record<BudgetScope, DestinationCounts>>,
) => BudgetViolation | undefined;
