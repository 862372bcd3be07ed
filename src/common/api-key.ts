import { randomBytes } from 'node:crypto';

/** Lets secret scanners, and people, recognise a key. */
const PREFIX = 'otp_';

/** 256 bits cannot be guessed. */
const KEY_BYTES = 32;

const API_KEY = new RegExp(`${PREFIX}[\\w-]{${String(Math.ceil((KEY_BYTES * 8) / 6))}}`);

/** Creates a key for a client. */
export const createApiKey = (): string => PREFIX + randomBytes(KEY_BYTES).toString('base64url');

/** Whether a text contains a key of the form that {@link createApiKey} creates. */
export const containsApiKey = (text: string): boolean => API_KEY.test(text);
