import type { Agent } from 'supertest';
import { hours, minutes, seconds } from '../../src/common/durations.js';
import { createClientAgent, newApiKey } from '../support/api-key.js';
import { expectProblem } from '../support/problem.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';

const CLIENTS = ['attacker', 'shop', 'bank'] as const;
/** What a client may send to a country in an hour: the floor of 10, and the burst allowance of 100. */
const COUNTRY_BUDGET = 110;
/** The half of the budget that a client keeps even if other clients exceed the shared budget. */
const COUNTRY_RESERVE = COUNTRY_BUDGET / 2;

/** A number whose prefix differs for each index, so that no budget of a prefix is reached. */
const target = (index: number): string => `+1415${String(550 + index)}2671`;

describe('An attack on a country through the API key of one client', () => {
  let service: SandboxedService;
  let agents: Record<(typeof CLIENTS)[number], Agent>;

  beforeEach(async () => {
    const keys = CLIENTS.map((client) => newApiKey(client));
    service = await startSandboxedService({
      API_KEYS: keys.map(({ entry }) => entry).join(','),
      THROTTLE_SEND_LIMIT: '1000000',
    });
    const [attacker, shop, bank] = keys.map(({ key }) => createClientAgent(service.url, key));
    if (!attacker || !shop || !bank) throw new Error('a client has no key');
    agents = { attacker, shop, bank };
  });

  afterEach(() => service.close());

  const send = (client: keyof typeof agents, index: number) =>
    agents[client].post('/otp/send').send({ phoneNumber: target(index) });

  async function sendUntilLimited(client: keyof typeof agents, firstIndex: number) {
    for (let sent = 0; ; sent += 1) {
      const response = await send(client, firstIndex + sent);
      if (response.status !== 200) return { sent, response };
    }
  }

  it('is stopped for that client and for no other', async () => {
    const { sent, response } = await sendUntilLimited('attacker', 0);
    expect(sent).toBe(COUNTRY_BUDGET);
    expectProblem(response, 429, 'destination_suspended');

    await send('shop', 200).expect(200);
    await send('bank', 201).expect(200);
  });

  it('is stopped for that client and for no other when it is spread over a day', async () => {
    // More than PUMPING_FLOOR_PER_DAY, which is 30, and fewer than ten an hour.
    for (let i = 0; i < 31; i += 1) {
      await send('attacker', i).expect(200);
      service.clock.advance(minutes(45));
    }
    expectProblem(await send('attacker', 31), 429, 'destination_suspended');

    await send('shop', 200).expect(200);
  });

  it('does not show another client that has used up its reserve what the attacker sent', async () => {
    const own = await sendUntilLimited('attacker', 0);
    const shared = await sendUntilLimited('shop', 200);
    service.clock.advance(minutes(7));
    const later = await send('shop', 300);

    expect(shared.sent).toBe(COUNTRY_RESERVE);
    expect(own.response.body.code).toBe('destination_suspended');
    for (const response of [shared.response, later]) {
      expectProblem(response, 429, 'quota_exceeded');
      expect(response.headers['retry-after']).toBe(String(hours(1) / seconds(1)));
      expect(response.body.detail).toMatch(/^A limit that all clients of this service share/);
    }
    const [, warning] = service.log.lines.filter((line) => line.includes('SmsPumpingDetector'));
    expect(JSON.parse(warning ?? '')).toMatchObject({
      msg: expect.stringMatching(
        /^Blocked a message to .* \(US\) from client shop: in the last hour all clients together sent \d+ unverified messages to this country, /,
      ),
    });
  });
});
