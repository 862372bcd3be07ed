import { createHash, randomBytes } from 'node:crypto';
import type { Agent } from 'supertest';
import { documentedAgent } from './documented.js';

/** A client's key, and its entry in `API_KEYS`. */
export function newApiKey(client: string): { key: string; entry: string } {
  const key = randomBytes(32).toString('base64url');
  return { key, entry: `${client}:${createHash('sha256').update(key).digest('hex')}` };
}

/** Calls with this key. */
export const callerWith = (url: string, key: string): Agent =>
  documentedAgent(url).set('authorization', `Bearer ${key}`);
