import { createHash, randomBytes } from 'node:crypto';
import type { Agent } from 'supertest';
import { openApiValidatedAgent } from './openapi-validated-agent.js';

/** Creates a key for a client, and its entry in `API_KEYS`. */
export function newApiKey(client: string): { key: string; entry: string } {
  const key = randomBytes(32).toString('base64url');
  return { key, entry: `${client}:${createHash('sha256').update(key).digest('hex')}` };
}

/** An HTTP agent that sends this key. */
export const createClientAgent = (url: string, key: string): Agent =>
  openApiValidatedAgent(url).set('authorization', `Bearer ${key}`);
