/**
 * What a provider says of the codes that it has checked for a verification: whether one was right;
 * `unknown` if its answer may be about another verification.
 */
export type EarlierCheckResult = 'verified' | 'not_verified' | 'unknown';

/**
 * A provider's result for one code:
 *
 * - `verified`           the code is right
 * - `wrong_code`         the code is wrong; another may be submitted
 * - `wrong_code_final`   the code is wrong, and no other will be checked
 * - `expired`            not checked: the code has expired
 * - `attempts_exhausted` not checked, and no other will be
 */
export type CheckResult =
  'verified' | 'wrong_code' | 'wrong_code_final' | 'expired' | 'attempts_exhausted';
