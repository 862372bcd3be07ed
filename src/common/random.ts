import { randomFillSync } from 'node:crypto';

/** Asking the system for random bytes costs more than all else that a few of them are used for. */
const POOL_BYTES = 4_096;

const pool = Buffer.allocUnsafe(POOL_BYTES);
let used = POOL_BYTES;

/** As `randomBytes` of node:crypto, for up to {@link POOL_BYTES}; each byte is given out once. */
export function randomBytes(count: number): Buffer {
  if (used + count > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const bytes = Buffer.from(pool.subarray(used, used + count));
  used += count;
  return bytes;
}
