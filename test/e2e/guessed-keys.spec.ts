import { randomBytes } from 'node:crypto';
import { ClientDirectory } from '../../src/clients/client-directory.js';
import { listApiKeyClients } from '../../src/clients/client-list.js';
import { authenticateClient } from '../../src/http/authenticate-client.js';
import { testEnvironment } from '../support/config.js';
import { createClientAgent, newApiKey } from '../support/api-key.js';
import { startSandboxedService } from '../support/service.js';

/** Requests per minute that each client may make. */
const CLIENT_LIMIT = 200;
const GUESSES = 100_000;

const clients = Array.from({ length: 5 }, (_, i) => newApiKey(`client-${i}`));
const API_KEYS = clients.map(({ entry }) => entry).join(',');
const [valid = newApiKey('none')] = clients;

/** A key of the right length. Every hundredth differs from a valid key in only one character. */
function guess(i: number): string {
  if (i % 100 !== 0) return randomBytes(32).toString('base64url');
  const { key } = valid;
  const changed = i % key.length;
  return `${key.slice(0, changed)}${key[changed] === 'x' ? 'y' : 'x'}${key.slice(changed + 1)}`;
}

describe('Guessed API keys', () => {
  it('are all rejected, 100,000 of them', () => {
    const directory = new ClientDirectory(listApiKeyClients(testEnvironment({ API_KEYS })));
    const authenticate = (key: string) => authenticateClient(directory, `Bearer ${key}`);
    let accepted = 0;
    for (let i = 0; i < GUESSES; i += 1) {
      if (authenticate(guess(i)) !== undefined) accepted += 1;
    }

    expect(accepted).toBe(0);
    expect(authenticate(valid.key)?.name).toBe('client-0');
  });

  it('do not use up the limit of a client with the same IP address', async () => {
    const service = await startSandboxedService({
      API_KEYS,
      THROTTLE_VERIFY_LIMIT: `${CLIENT_LIMIT}`,
    });
    const statuses = { guesser: new Set<number>(), client: new Set<number>() };
    const guessKeys = async () => {
      for (let i = 0; i < CLIENT_LIMIT; i += 1) {
        statuses.guesser.add((await createClientAgent(service.url, guess(i)).get('/otp/x')).status);
      }
    };
    const useClient = async () => {
      const http = createClientAgent(service.url, valid.key);
      for (let i = 0; i < CLIENT_LIMIT; i += 1)
        statuses.client.add((await http.get('/otp/x')).status);
      return (await http.get('/otp/x')).status;
    };

    const [afterLimit] = await Promise.all([useClient(), guessKeys(), guessKeys(), guessKeys()]);

    expect([...statuses.guesser].sort()).toEqual([401, 429]);
    expect([...statuses.client]).toEqual([404]);
    expect(afterLimit).toBe(429);
    await service.close();
  });
});
