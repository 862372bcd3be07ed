import type { Agent } from 'supertest';
import { callerWith, newApiKey } from '../support/api-key.js';
import { openApiValidatedAgent } from '../support/openapi-validated-agent.js';
import { expectProblem } from '../support/problem.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';

const NUMBER = '+14155552671';
const PUBLIC = /^\/(health\/(live|ready)|metrics|docs|docs-json|docs\/assets-[^/]+\/[^/]+)$/;

const shop = newApiKey('shop');
const shopNext = newApiKey('shop');
const bank = newApiKey('bank');
const gone = newApiKey('shop');

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

describe('Who may call', () => {
  let service: SandboxedService;
  let nobody: Agent;

  beforeEach(async () => {
    service = await startSandboxedService({
      API_KEYS: [shop, shopNext, bank].map(({ entry }) => entry).join(', '),
    });
    nobody = openApiValidatedAgent(service.url);
  });

  afterEach(() => service.close());

  const as = ({ key }: { key: string }) => callerWith(service.url, key);

  /** Every route of the service, called as `caller`. */
  async function callEach(caller: Agent, pinId = 'any') {
    const answers = [];
    for (const { method, path } of service.routes) {
      const call = caller[method.toLowerCase() as 'get'](path.replace(':pinId', pinId));
      const body = bodyFor(path, pinId);
      answers.push({ path, response: await (method === 'POST' ? call.send(body) : call) });
    }
    return answers;
  }

  it.each([
    ['no key', () => nobody],
    ['a key that nobody has', () => as(newApiKey('shop'))],
    ['a key that was rotated out', () => as(gone)],
    ['the hash of a key', () => as({ key: shop.entry.slice('shop:'.length) })],
    ['another scheme', () => openApiValidatedAgent(service.url).auth('shop', shop.key)],
  ])('with %s: every route but the public ones refuses', async (_what, caller) => {
    const answers = await callEach(caller());

    expect(answers.length).toBeGreaterThanOrEqual(8);
    for (const { path, response } of answers) {
      if (PUBLIC.test(path)) expect(response.status).toBe(200);
      else {
        expect({ path, status: response.status }).toEqual({ path, status: 401 });
        expect(response.headers['www-authenticate']).toMatch(/^Bearer/);
      }
    }
    expect(await service.codesOf(NUMBER)).toEqual([]);
  });

  it('names the problem and the way out', async () => {
    expectProblem(await nobody.get('/otp/x'), 401, 'unauthenticated');
  });

  it.each([
    ['malformed', 'application/json', '{"phoneNumber":'],
    ['in another media type', 'text/plain', 'hello'],
  ])('is asked before a body that is %s', async (_what, type, body) => {
    const send = (caller: Agent) => caller.post('/otp/send').set('content-type', type).send(body);

    expect((await send(nobody)).status).toBe(401);
    expect([400, 415]).toContain((await send(as(shop))).status);
  });

  it('is not asked where there is nothing to call', async () => {
    expectProblem(await nobody.get('/nothing'), 404, 'not_found');
    expectProblem(await nobody.get('/otp/send'), 405, 'method_not_allowed');
  });

  it('is a client by each of its keys', async () => {
    const { body } = await as(shop).post('/otp/send').send({ phoneNumber: NUMBER }).expect(200);

    await as(shopNext).get(`/otp/${body.pinId}`).expect(200);
  });

  it("with another client's key: its verification is not there, by handle or by number", async () => {
    const { body: sent } = await as(shop).post('/otp/send').send({ phoneNumber: NUMBER });
    const [otpCode = ''] = await service.codesOf(NUMBER);
    const stranger = as(bank);

    for (const { path, response } of await callEach(stranger, sent.pinId)) {
      if (['/otp/:pinId', '/otp/verify', '/otp/resend'].includes(path)) {
        expect({ path, status: response.status }).toEqual({ path, status: 404 });
      }
    }
    const byNumber = { phoneNumber: NUMBER, otpCode };
    expectProblem(await stranger.post('/otp/verify').send(byNumber), 404, 'verification_not_found');
    await stranger.post('/otp/numbers/lookup').send({ phoneNumber: NUMBER }).expect(200, {
      verified: false,
    });
    await stranger.post('/otp/numbers/erase').send({ phoneNumber: NUMBER }).expect(204);
    await as(shop).post('/otp/verify').send(byNumber).expect(200, { verified: true });
  });

  it('cannot be told from the answer for an unknown, a foreign or a malformed handle', async () => {
    const { body: sent } = await as(shop).post('/otp/send').send({ phoneNumber: NUMBER });
    const answers = [];
    for (const pinId of ['A'.repeat(22), sent.pinId as string, '!', 'x'.repeat(2_000)]) {
      const { status, body } = await as(bank).get(`/otp/${pinId}`);
      answers.push({ status, ...body, requestId: '' });
    }

    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0].status).toBe(404);
  });

  it('is counted by client: one is not slowed down by another', async () => {
    await service.close();
    service = await startSandboxedService({
      API_KEYS: `${shop.entry},${bank.entry}`,
      THROTTLE_VERIFY_LIMIT: '2',
    });
    const lookup = (caller: Agent) => caller.get('/otp/x');
    await lookup(as(shop));
    await lookup(as(shop));

    expectProblem(await lookup(as(shop)), 429, 'too_many_requests');
    expectProblem(await lookup(as(bank)), 404, 'verification_not_found');
  });

  it('without a good key is counted by address, and never slows a good key down', async () => {
    const refused = [];
    for (let i = 0; i < 40; i += 1) refused.push(await nobody.get('/otp/x'));

    expect(refused.filter(({ status }) => status === 401)).toHaveLength(30);
    expectProblem(refused[39] as never, 429, 'too_many_requests');
    expectProblem(await as(shop).get('/otp/x'), 404, 'verification_not_found');
    service.clock.advance(60_000);
    expectProblem(await nobody.get('/otp/x'), 401, 'unauthenticated');
  });
});
