import { randomFillSync } from 'node:crypto';

/** Random bytes are drawn from a pool because a system call for each request is expensive. */
const POOL_BYTES = 4_096;

const pool = Buffer.allocUnsafe(POOL_BYTES);
let usedBytes = POOL_BYTES;

/**
 * As `randomBytes` of node:crypto, but at most {@link POOL_BYTES} bytes. No byte of the pool is
 * returned twice.
 */
export function getRandomBytes(count: number): Buffer {
  if (usedBytes + count > POOL_BYTES) {
    randomFillSync(pool);
    usedBytes = 0;
  }
  const bytes = Buffer.from(pool.subarray(usedBytes, usedBytes + count));
  usedBytes += count;
  return bytes;
}
