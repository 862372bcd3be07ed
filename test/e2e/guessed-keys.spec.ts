import { randomBytes } from 'node:crypto';
import { ClientDirectory } from '../../src/clients/client-directory.js';
import { listApiKeyClients } from '../../src/clients/client-list.js';
import { authConfig } from '../../src/config/auth.config.js';
import { ApiKeyService } from '../../src/http/api-key.service.js';
import { testEnvironment } from '../support/config.js';
import { createClientAgent, newApiKey } from '../support/api-key.js';
import { startSandboxedService } from '../support/service.js';

const LIMIT = 200;
const GUESSES = 100_000;

const clients = Array.from({ length: 5 }, (_, i) => newApiKey(`client-${i}`));
const API_KEYS = clients.map(({ entry }) => entry).join(',');
const [valid = newApiKey('none')] = clients;

/** Keys of the right length; every hundredth differs from a valid key in one character. */
function guess(i: number): string {
  if (i % 100 !== 0) return randomBytes(32).toString('base64url');
  const at = i % valid.key.length;
  return `${valid.key.slice(0, at)}${valid.key[at] === 'x' ? 'y' : 'x'}${valid.key.slice(at + 1)}`;
}

describe('Guessed API keys', () => {
  it('are all rejected, 100,000 of them', () => {
    const env = testEnvironment({ API_KEYS });
    const directory = new ClientDirectory(listApiKeyClients(env));
    const keys = new ApiKeyService(authConfig(env), directory);
    let found = 0;
    for (let i = 0; i < GUESSES; i += 1) {
      if (keys.authenticate(`Bearer ${guess(i)}`) !== undefined) found += 1;
    }

    expect(found).toBe(0);
    expect(keys.authenticate(`Bearer ${valid.key}`)?.name).toBe('client-0');
  });

  it('do not use up the limit of a client with the same IP address', async () => {
    const service = await startSandboxedService({ API_KEYS, THROTTLE_VERIFY_LIMIT: `${LIMIT}` });
    const statuses = { guesser: new Set<number>(), client: new Set<number>() };
    const guessKeys = async () => {
      for (let i = 0; i < LIMIT; i += 1) {
        statuses.guesser.add((await createClientAgent(service.url, guess(i)).get('/otp/x')).status);
      }
    };
    const useClient = async () => {
      const http = createClientAgent(service.url, valid.key);
      for (let i = 0; i < LIMIT; i += 1) statuses.client.add((await http.get('/otp/x')).status);
      return (await http.get('/otp/x')).status;
    };

    const [afterLimit] = await Promise.all([useClient(), guessKeys(), guessKeys(), guessKeys()]);

    expect([...statuses.guesser].sort()).toEqual([401, 429]);
    expect([...statuses.client]).toEqual([404]);
    expect(afterLimit).toBe(429);
    await service.close();
  });
});
