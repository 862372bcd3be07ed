/**
 * A provider's result for all codes that it has already checked for a verification: whether one of
 * them was right; `unknown` if the response may be about another verification.
 */
export type EarlierCheckResult = 'verified' | 'not_verified' | 'unknown';

/**
 * A provider's result for one code:
 *
 * - `verified`           the code is right
 * - `wrong_code`         the code is wrong; another may be submitted
 * - `wrong_code_final`   the code is wrong, and the provider checks no more codes
 * - `expired`            not checked: the code has expired
 * - `attempts_exhausted` not checked: the provider checks no more codes
 */
export type CheckResult =
  'verified' | 'wrong_code' | 'wrong_code_final' | 'expired' | 'attempts_exhausted';

/** How many attempts a provider allows for one code; `Infinity` if it does not limit them. */
export type GetAttemptsPerCode = (provider: string) => number;
