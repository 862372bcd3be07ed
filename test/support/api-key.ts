import { createHash, randomBytes } from 'node:crypto';
import type { Agent } from 'supertest';
import { openApiValidatedAgent } from './openapi-validated-agent.js';

/** Creates an API key for a client, and the entry in `API_KEYS` that accepts this key. */
export function newApiKey(client: string): { key: string; entry: string } {
  const key = randomBytes(32).toString('base64url');
  return { key, entry: `${client}:${createHash('sha256').update(key).digest('hex')}` };
}

/** An HTTP agent that sends this key. */
export const createClientAgent = (url: string, key: string): Agent =>
  openApiValidatedAgent(url).set('authorization', `Bearer ${key}`);
