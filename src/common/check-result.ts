/**
 * What a provider said of one code:
 *
 * - `verified`        it was right
 * - `wrong_code`      it was wrong, and another may be tried
 * - `wrong_code_final`   it was wrong, and no other is judged
 * - `expired`         it was not judged, for its time is over
 * - `attempts_exhausted`      it was not judged, and no other is
 */
export type CheckResult =
  'verified' | 'wrong_code' | 'wrong_code_final' | 'expired' | 'attempts_exhausted';
