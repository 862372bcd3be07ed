import type { Agent } from 'supertest';
import { createClientAgent, newApiKey } from '../support/api-key.js';
import { openApiValidatedAgent } from '../support/openapi-validated-agent.js';
import { expectProblem } from '../support/problem.js';
import { newProofKey, toKeySet } from '../support/proof-keys.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';

const NUMBER = '+14155552671';
/** The routes that need no API key. */
const PUBLIC_PATHS =
  /^\/($|health\/(live|ready)|\.well-known\/jwks\.json|docs|docs-json|docs\/assets-[^/]+\/[^/]+)$/;

const shop = newApiKey('shop');
const secondShopKey = newApiKey('shop');
const bank = newApiKey('bank');
/** Not in `API_KEYS`, like a key that was removed from it. */
const rotatedOut = newApiKey('shop');
/** Rejected requests per minute and IP address that get 401; further ones get 429. */
const UNAUTHENTICATED_LIMIT = 30;

function bodyFor(path: string, pinId: string): object {
  switch (path) {
    case '/otp/verify':
      return { pinId, otpCode: '000000' };
    case '/otp/resend':
      return { pinId };
    default:
      return { phoneNumber: NUMBER };
  }
}

describe('Authentication by API key', () => {
  let service: SandboxedService;
  let withoutKey: Agent;

  beforeEach(async () => {
    service = await startSandboxedService({
      API_KEYS: [shop, secondShopKey, bank].map(({ entry }) => entry).join(', '),
      // Without proof keys, `/.well-known/jwks.json` returns 404.
      PROOF_KEYS: toKeySet(newProofKey('key')),
    });
    withoutKey = openApiValidatedAgent(service.url);
  });

  afterEach(() => service.close());

  const withKey = ({ key }: { key: string }) => createClientAgent(service.url, key);

  /** Calls every route of the service. */
  async function callEveryRoute(client: Agent, pinId = 'any') {
    const results = [];
    for (const { method, path } of service.routes) {
      const call = client[method.toLowerCase() as 'get'](path.replace(':pinId', pinId));
      const body = bodyFor(path, pinId);
      results.push({ path, response: await (method === 'POST' ? call.send(body) : call) });
    }
    return results;
  }

  it.each([
    ['no key', () => withoutKey],
    ['an unknown key', () => withKey(newApiKey('shop'))],
    ['a rotated-out key', () => withKey(rotatedOut)],
    ['the hash of a key', () => withKey({ key: shop.entry.slice('shop:'.length) })],
    [
      'another authentication scheme',
      () => openApiValidatedAgent(service.url).auth('shop', shop.key),
    ],
  ])('rejects %s with 401 on every route that is not public', async (_credentials, connect) => {
    const results = await callEveryRoute(connect());

    // The list of routes is neither empty nor cut short.
    expect(results.length).toBeGreaterThanOrEqual(8);
    for (const { path, response } of results) {
      if (PUBLIC_PATHS.test(path)) expect(response.status).toBe(200);
      else {
        expect({ path, status: response.status }).toEqual({ path, status: 401 });
        expect(response.headers['www-authenticate']).toMatch(/^Bearer/);
      }
    }
    expect(await service.getReceivedCodes(NUMBER)).toEqual([]);
  });

  it('returns a problem with the code `unauthenticated` to a request without a key', async () => {
    expectProblem(await withoutKey.get('/otp/x'), 401, 'unauthenticated');
  });

  it.each([
    ['malformed', 'application/json', '{"phoneNumber":'],
    ['in another media type', 'text/plain', 'hello'],
    ['in an invalid media type', 'json', 'hello'],
  ])('checks the key before the body, even if the body is %s', async (_what, type, body) => {
    const send = (client: Agent) => client.post('/otp/send').set('content-type', type).send(body);

    expect((await send(withoutKey)).status).toBe(401);
    expect([400, 415]).toContain((await send(withKey(shop))).status);
  });

  it('returns 404 for an unknown path and 405 for a wrong method even without a key', async () => {
    expectProblem(await withoutKey.get('/nothing'), 404, 'not_found');
    expectProblem(await withoutKey.get('/otp/send'), 405, 'method_not_allowed');
  });

  it('treats all keys of a client as one client', async () => {
    const { body } = await withKey(shop)
      .post('/otp/send')
      .send({ phoneNumber: NUMBER })
      .expect(200);

    await withKey(secondShopKey).get(`/otp/${body.pinId}`).expect(200);
  });

  it("hides a client's verification from other clients, by pinId and by number", async () => {
    const { body: sent } = await withKey(shop).post('/otp/send').send({ phoneNumber: NUMBER });
    const [otpCode = ''] = await service.getReceivedCodes(NUMBER);
    const otherClient = withKey(bank);

    for (const { path, response } of await callEveryRoute(otherClient, sent.pinId)) {
      if (['/otp/:pinId', '/otp/verify', '/otp/resend'].includes(path)) {
        expect({ path, status: response.status }).toEqual({ path, status: 404 });
      }
    }
    const byNumber = { phoneNumber: NUMBER, otpCode };
    expectProblem(
      await otherClient.post('/otp/verify').send(byNumber),
      404,
      'verification_not_found',
    );
    await otherClient.post('/otp/numbers/erase').send({ phoneNumber: NUMBER }).expect(204);
    await withKey(shop).post('/otp/verify').send(byNumber).expect(200, { verified: true });
    await otherClient.post('/otp/numbers/lookup').send({ phoneNumber: NUMBER }).expect(200, {
      verified: false,
    });
  });

  it("answers the same for an unknown, another client's and a malformed pinId", async () => {
    const { body: sent } = await withKey(shop).post('/otp/send').send({ phoneNumber: NUMBER });
    const results = [];
    for (const pinId of ['A'.repeat(22), sent.pinId as string, '!', 'x'.repeat(2_000)]) {
      const { status, body } = await withKey(bank).get(`/otp/${pinId}`);
      results.push({ status, ...body, requestId: '' });
    }

    expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1);
    expect(results[0].status).toBe(404);
  });

  it('limits the requests of each client separately', async () => {
    await service.close();
    service = await startSandboxedService({
      API_KEYS: `${shop.entry},${bank.entry}`,
      THROTTLE_VERIFY_LIMIT: '2',
    });
    const getStatus = (client: Agent) => client.get('/otp/x');
    await getStatus(withKey(shop));
    await getStatus(withKey(shop));

    expectProblem(await getStatus(withKey(shop)), 429, 'too_many_requests');
    expectProblem(await getStatus(withKey(bank)), 404, 'verification_not_found');
  });

  it('limits requests without a valid key by IP address, which never blocks a valid key', async () => {
    for (let i = 0; i < UNAUTHENTICATED_LIMIT; i += 1) {
      expectProblem(await withoutKey.get('/otp/x'), 401, 'unauthenticated');
    }

    expectProblem(await withoutKey.get('/otp/x'), 429, 'too_many_requests');
    expectProblem(await withKey(shop).get('/otp/x'), 404, 'verification_not_found');
    service.clock.advance(60_000);
    expectProblem(await withoutKey.get('/otp/x'), 401, 'unauthenticated');
  });
});
