import {
  randomBytes,
  scrypt as scryptCallback,
  timingSafeEqual,
  type ScryptOptions,
} from 'node:crypto';
import { promisify } from 'node:util';

const scrypt = promisify<string, Buffer, number, ScryptOptions, Buffer>(scryptCallback);

/** A cost that OWASP recommends: 32 MiB and about 0.2 s. Stored in each hash, so you can raise it. */
const COST = { N: 2 ** 15, r: 8, p: 3 };
const HASH_BYTES = 32;

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, COST);
  const { N, r, p } = COST;
  return ['scrypt', N, r, p, salt.toString('base64'), hash.toString('base64')].join('$');
}

/**
 * Whether the password matches the stored hash. An unknown user has no hash: then the check returns false,
 * but takes as long.
 */
export async function checkPassword(
  password: string,
  storedHash: string | undefined,
): Promise<boolean> {
  const [, N, r, p, salt = '', hash = ''] = (storedHash ?? (await unknownUserHash)).split('$');
  const cost = { N: Number(N), r: Number(r), p: Number(p) };
  const derived = await derive(password, Buffer.from(salt, 'base64'), cost);
  return timingSafeEqual(derived, Buffer.from(hash, 'base64')) && storedHash !== undefined;
}

const derive = (password: string, salt: Buffer, cost: typeof COST): Promise<Buffer> =>
  scrypt(password.normalize('NFKC'), salt, HASH_BYTES, { ...cost, maxmem: 256 * cost.N * cost.r });

const unknownUserHash = hashPassword(randomBytes(16).toString('base64'));
