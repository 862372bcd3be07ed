/** Variable with the factor by which this machine is slower than a quiet one; set by jest's global set-up. */
export const TIME_SCALE = 'TEST_TIME_SCALE';

/** Scales a time limit for a quiet machine to this machine. */
export function scaleTimeLimit(ms: number): number {
  return Math.ceil(ms * Number(process.env[TIME_SCALE] ?? '1'));
}
