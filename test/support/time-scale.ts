/** How much slower than a quiet machine this one is; jest's global set-up measures it. */
export const TIME_SCALE = 'TEST_TIME_SCALE';

/** A time limit of a quiet machine, as this machine needs it. */
export function scaled(ms: number): number {
  return Math.ceil(ms * Number(process.env[TIME_SCALE] ?? '1'));
}
