import type { ClientRules } from '../clients/client-rules.js';
import { hours } from '../common/durations.js';
import type { BudgetScope, SharedLimit, StoredLimit } from '../common/label-values.js';
import type { PhoneNumber } from '../common/phone-number.js';

/** The limits of a client: the settings, with the client's own values where it has any. */
export type ClientLimits = Pick<ClientRules, 'otp' | 'limits'>;

/** How long a number is trusted after it was verified. */
export const TRUSTED_NUMBER_MS = hours(90 * 24);

/**
 * How many messages of a verification can count as verified: the first one and a resend. Otherwise a
 * bot could resend to its own phone, and one typed code would raise the budgets for all messages.
 */
export const MAX_VERIFIED_SENDS = 2;

/** A send that a limit or a budget refused. */
interface RefusedSend {
  /** ISO 3166 code of the destination, or `001` if non-geographic; absent for a test number. */
  readonly country?: string | undefined;
}

/** A limit was reached. */
export interface LimitExceeded extends RefusedSend {
  readonly outcome: 'limited';
  readonly limit: StoredLimit;
  /** When the limit ends, in milliseconds since the epoch. */
  readonly until: number;
}

/**
 * A limit was reached because of what other clients did. It has no `until`, which would tell the
 * client when the others did it.
 */
export interface SharedLimitExceeded extends RefusedSend {
  readonly outcome: 'limited';
  readonly limit: 'shared';
  /** For the operator; the client does not see it. */
  readonly cause: SharedLimit;
}

/** A send to a destination that exceeds a budget. */
interface SendOverBudget {
  readonly violation: BudgetViolation;
  readonly client: string;
  readonly phoneNumber: PhoneNumber;
}

/**
 * All clients together exceed the budget of a destination, and this client exceeds the part of the
 * budget that is reserved for it.
 */
export interface SharedBudgetExceeded extends SharedLimitExceeded, SendOverBudget {}

/** The client's own messages exceed the budget of a destination. */
export interface DestinationSuspended extends SendOverBudget, RefusedSend {
  readonly outcome: 'suspended';
  /** When the oldest send that counts leaves the window, in milliseconds since the epoch. */
  readonly until: number;
}

/** A reserved send: it counts against the limits of its number and its end user. */
export interface ReservedSend {
  /** When the client last verified the number, in milliseconds since the epoch; 0 if never. */
  readonly verifiedAt: number;
}

/** Sends, and how many of them were verified. */
export interface SendCounts {
  readonly sends: number;
  readonly verified: number;
}

/** Sends of one subject, such as a destination. The three windows leave out recent sends. */
export interface DestinationCounts {
  /** Sends within the lifetime of a code, so that more of them may still be verified. */
  readonly recent: SendCounts;
  readonly hour: SendCounts;
  readonly day: SendCounts;
  readonly twoWeeks: SendCounts;
}

/** How a destination is budgeted: by its number prefix and by its country. */
export type DestinationScope = 'prefix' | 'country';

/** Whether a budget counts the sends of all clients. */
export const isShared = (scope: BudgetScope): scope is DestinationScope =>
  scope === 'prefix' || scope === 'country';

/** An exceeded budget of unverified sends, and the counts that exceed it. */
export interface BudgetViolation {
  readonly scope: BudgetScope;
  readonly window: 'hour' | 'day';
  /** Whether sends whose codes may still be submitted are among the unverified. */
  readonly includesRecent: boolean;
  /** Unverified sends in the window. */
  readonly unverified: number;
  /** Unverified sends that the budget allows. */
  readonly allowed: number;
  /** Verified sends in the window, recent ones included. */
  readonly verified: number;
  /** False if the budgets are only observed: the send is allowed. */
  readonly enforced: boolean;
}

/** Finds the budget that a destination exceeds, if any, from its counts alone. */
export type TrafficEvaluator = (
  traffic: Readonly<Record<BudgetScope, DestinationCounts>>,
) => BudgetViolation | undefined;
