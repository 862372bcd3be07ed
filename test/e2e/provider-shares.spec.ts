import type { Agent, Response } from 'supertest';
import { ClientsFileReader } from '../../src/clients/clients-file-reader.js';
import { minutes, seconds } from '../../src/common/durations.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { createClientAgent } from '../support/api-key.js';
import { newHashedKey, TestClientsFile } from '../support/clients-file.js';
import { FakeClock } from '../support/fake-clock.js';
import { expectProblem } from '../support/problem.js';
import { callSandbox, readCodes } from '../support/sandbox-calls.js';
import { startService, type RunningService } from '../support/service.js';
import { scaleTimeLimit } from '../support/time-scale.js';

const keys = { shop: newHashedKey(), attacker: newHashedKey() };

/** Longer than a test takes: after a quarter of it, a hanging call would give its slot back. */
const LONG_TIMEOUT_MS = seconds(40);
const MAX_IN_FLIGHT = 4;

const ATTACKED_NUMBERS = ['+14155552601', '+14155552602', '+14155552603', '+14155552604'];
const SHOP_NUMBER = '+14155562601';

const SHARE_USED = /^This client has used up its share of the requests that run at the same time\./;
const POOL_USED = /^Too many requests are running at the same time\./;

const OPERATIONS = ['send', 'resend', 'verify', 'status'] as const;
type Operation = (typeof OPERATIONS)[number];
type PreparedRequest = () => Promise<Response>;

/*
 * At most PROVIDER_MAX_IN_FLIGHT calls of an operation wait for a provider. An attacker's calls hang,
 * so they would keep all slots.
 */
describe('When many calls of one client hang', () => {
  let file: TestClientsFile;
  let clock: FakeClock;
  let sandbox: Sandbox;
  let service: RunningService;
  let shop: Agent;
  let attacker: Agent;

  beforeEach(() => {
    file = new TestClientsFile();
    file.write({ shop: { keys: [keys.shop.hash] }, attacker: { keys: [keys.attacker.hash] } });
  });

  afterEach(async () => {
    // Ends the hanging calls, for which the service would wait.
    await sandbox.close();
    await service.close();
    file.remove();
  });

  async function start(timeoutMs = LONG_TIMEOUT_MS): Promise<void> {
    clock = new FakeClock();
    sandbox = await startSandbox({ port: 0, now: () => clock.now() });
    const settings = {
      INFOBIP_BASE_URL: sandbox.url,
      CLIENTS_FILE: file.path,
      PROVIDER_MAX_IN_FLIGHT: String(MAX_IN_FLIGHT),
      PROVIDER_TIMEOUT: `${String(timeoutMs)}ms`,
      OTP_MAX_ATTEMPTS: '1',
    };
    service = await startService(settings, clock);
    shop = createClientAgent(service.url, keys.shop.key);
    attacker = createClientAgent(service.url, keys.attacker.key);
  }

  const planFault = (fault: object) => callSandbox(sandbox.url, 'PUT', 'faults', fault);
  const send = async (client: Agent, phoneNumber: string): Promise<Response> =>
    client.post('/otp/send').send({ phoneNumber });

  async function sendCode(client: Agent, phoneNumber: string) {
    const { pinId } = (await send(client, phoneNumber)).body;
    const [otpCode] = await readCodes(sandbox.url, phoneNumber);
    return { pinId: String(pinId), otpCode };
  }

  /** Prepares a request that makes one call of the operation. */
  async function prepare(
    operation: Operation,
    client: Agent,
    to: string,
  ): Promise<PreparedRequest> {
    if (operation === 'send') return () => send(client, to);
    const code = await sendCode(client, to);
    if (operation === 'resend')
      return async () => client.post('/otp/resend').send({ pinId: code.pinId });
    const verify = async () => client.post('/otp/verify').send(code);
    if (operation === 'status') {
      // The answer to the only attempt is lost. So another verify only asks for that answer.
      await planFault({ operation: 'verify', kind: 'drop', to });
      expectProblem(await verify(), 502, 'provider_error');
    }
    return verify;
  }

  async function prepareAttack(operation: Operation): Promise<PreparedRequest[]> {
    const requests: PreparedRequest[] = [];
    for (const to of ATTACKED_NUMBERS) {
      requests.push(await prepare(operation, attacker, to));
      await planFault({ operation, kind: 'hang', to });
    }
    return requests;
  }

  it.each(OPERATIONS)('another client can still make calls (%s)', async (operation) => {
    await start();
    const attack = await prepareAttack(operation);
    const shopRequest = await prepare(operation, shop, SHOP_NUMBER);
    clock.advance(minutes(1));
    const running = attack.map((request) => request());
    for (const rejected of await getFirstResponses(running, MAX_IN_FLIGHT / 2)) {
      expectProblem(rejected, 503, 'overloaded');
      expect(rejected.body.detail).toMatch(SHARE_USED);
      expect(rejected.headers['retry-after']).toBe('1');
    }

    expect((await shopRequest()).status).toBe(200);
  });

  it('the client gets its slots back when these calls have timed out', async () => {
    await start(scaleTimeLimit(500));
    const attack = await prepareAttack('send');
    await Promise.all(attack.map((request) => request()));
    await callSandbox(sandbox.url, 'DELETE', 'faults');
    const sends = ['+14155572601', '+14155572602'].map((to) => send(attacker, to));

    expect((await Promise.all(sends)).map(({ status }) => status)).toEqual([200, 200]);
  });

  it('a client that is alone has all slots, as soon as the keys of the others are revoked', async () => {
    await start();
    file.write({ shop: { keys: [] }, attacker: { keys: [keys.attacker.hash] } });
    // A change takes effect once two reads have the same content.
    for (let reads = 0; reads < 2; reads += 1) await service.app.get(ClientsFileReader).read();
    const attack = await prepareAttack('send');
    await planFault({ operation: 'send', kind: 'hang', to: SHOP_NUMBER });
    const running = [...attack, () => send(attacker, SHOP_NUMBER)].map((request) => request());
    for (const rejected of await getFirstResponses(running, 1)) {
      expectProblem(rejected, 503, 'overloaded');
      expect(rejected.body.detail).toMatch(POOL_USED);
    }
    await sandbox.close();

    const statuses = (await Promise.all(running)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([502, 502, 502, 502, 503]);
  });
});

/** The responses that arrive first. */
const getFirstResponses = (requests: readonly Promise<Response>[], count: number) =>
  new Promise<Response[]>((resolve, reject) => {
    const responses: Response[] = [];
    for (const request of requests) {
      request.then((response) => {
        if (responses.push(response) === count) resolve(responses);
      }, reject);
    }
  });
