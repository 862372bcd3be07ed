import { randomFillSync } from 'node:crypto';

/** Random bytes are drawn from a pool because a system call for each request is expensive. */
const POOL_BYTES = 4_096;

const pool = Buffer.allocUnsafe(POOL_BYTES);
let used = POOL_BYTES;

/** As `randomBytes` of node:crypto, for at most {@link POOL_BYTES}; no byte is returned twice. */
export function getRandomBytes(count: number): Buffer {
  if (used + count > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const bytes = Buffer.from(pool.subarray(used, used + count));
  used += count;
  return bytes;
}
