import type { Agent } from 'supertest';
import { hours, minutes, seconds } from '../../src/common/durations.js';
import { createClientAgent, newApiKey } from '../support/api-key.js';
import { expectProblem } from '../support/problem.js';
import {
  reply,
  startScriptedUpstream,
  type ScriptedUpstream,
} from '../support/scripted-upstream.js';
import { startService, type RunningService } from '../support/service.js';

/** Unreachable numbers that a client may send to in a day. */
const DEFAULT_BUDGET = 30;
const target = (index: number): string => `+1415555${String(2_000 + index)}`;

const unreachable = reply(200, {
  pinId: 'PROVIDER-PIN',
  smsStatus: 'MESSAGE_NOT_SENT',
  ncStatus: 'NC_DESTINATION_NOT_REACHABLE',
});
const accepted = reply(200, { pinId: 'PROVIDER-PIN', smsStatus: 'MESSAGE_SENT' });

describe('A client that sends to unreachable numbers', () => {
  let upstream: ScriptedUpstream;
  let service: RunningService;
  let attacker: Agent;
  let shop: Agent;

  beforeEach(async () => {
    const keys = [newApiKey('attacker'), newApiKey('shop')] as const;
    upstream = await startScriptedUpstream();
    service = await startService({
      API_KEYS: keys.map(({ entry }) => entry).join(','),
      INFOBIP_BASE_URL: upstream.url,
      INFOBIP_API_KEY: 'secret-key',
      THROTTLE_SEND_LIMIT: '1000000',
    });
    attacker = createClientAgent(service.url, keys[0].key);
    shop = createClientAgent(service.url, keys[1].key);
    upstream.answer(unreachable);
  });

  afterEach(async () => {
    await service.close();
    await upstream.close();
  });

  const send = (client: Agent, phoneNumber: string) =>
    client.post('/otp/send').send({ phoneNumber });

  async function useUpBudget(): Promise<void> {
    for (let i = 0; i < DEFAULT_BUDGET; i += 1) await send(attacker, target(i)).expect(422);
  }

  it('gets no answer that a code was sent, if it repeats the send in the cooldown', async () => {
    const repeat = () => send(attacker, target(0)).set('idempotency-key', 'a');
    expectProblem(await repeat(), 422, 'destination_unreachable');
    const response = await repeat();

    expectProblem(response, 429, 'cooldown_active');
    expect(response.body.detail).toMatch(
      /^A message to this number was requested moments ago\. .* If a code was sent,/,
    );
  });

  // This test fails without `client_unreachable` in send-limit-finder.ts, and without `addUnreachable`
  // in send-limits.ts.
  it('gets as many of them looked up in a day as its budget allows, and blocks no other client', async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 60; i += 1) statuses.push((await send(attacker, target(i))).status);
    expect(statuses.filter((status) => status === 422)).toHaveLength(DEFAULT_BUDGET);
    expect(upstream.requests).toHaveLength(DEFAULT_BUDGET);

    const response = await send(attacker, target(70));
    expectProblem(response, 429, 'quota_exceeded');
    expect(response.body.detail).toMatch(/^This client has reached its daily limit of unreachable/);
    expect(response.headers['retry-after']).toBe(String((hours(24) + minutes(5)) / seconds(1)));

    await send(shop, target(70)).expect(422);
    service.clock.advance(hours(24) + minutes(5));
    await send(attacker, target(70)).expect(422);
  });

  // This test fails without `replaceSend` in `release` of send-limits.ts.
  it('must wait for the cooldown of such a number before the number is looked up again', async () => {
    await send(attacker, target(0)).expect(422);

    expectProblem(await send(attacker, target(0)), 429, 'cooldown_active');
    expect(upstream.requests).toHaveLength(1);
    service.clock.advance(seconds(30));
    await send(attacker, target(0)).expect(422);
  });

  it('still sends to a number that it has verified before', async () => {
    upstream.answer(accepted);
    const { body } = await send(attacker, target(500)).expect(200);
    upstream.answer(reply(200, { verified: true, msisdn: target(500).slice(1) }));
    const code = { pinId: body.pinId, otpCode: '407193' };
    await attacker.post('/otp/verify').send(code).expect(200, { verified: true });
    upstream.answer(unreachable);
    service.clock.advance(seconds(30));
    await useUpBudget();
    expectProblem(await send(attacker, target(70)), 429, 'quota_exceeded');

    upstream.answer(accepted);
    await send(attacker, target(500)).expect(200);
  });

  it('may send to one more of them for every twenty messages', async () => {
    upstream.answer(accepted);
    for (let i = 0; i < 19; i += 1) await send(attacker, target(100 + i)).expect(200);
    upstream.answer(unreachable);
    await useUpBudget();

    await send(attacker, target(70)).expect(422);
    await send(attacker, target(71)).expect(429);
  });
});
