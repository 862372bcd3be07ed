import { randomBytes } from 'node:crypto';

/** Tells scanners for leaked secrets, and people, what it is. */
const PREFIX = 'otp_';

/** 256 bits: nobody finds a key by trying. */
const KEY_BYTES = 32;

const API_KEY = new RegExp(`${PREFIX}[\\w-]{${String(Math.ceil((KEY_BYTES * 8) / 6))}}`);

/** Makes a key for a client. */
export const newApiKey = (): string => PREFIX + randomBytes(KEY_BYTES).toString('base64url');

/** Whether a key as {@link newApiKey} makes them is in a text. */
export const holdsApiKey = (text: string): boolean => API_KEY.test(text);
