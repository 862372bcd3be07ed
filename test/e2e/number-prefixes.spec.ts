import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Agent } from 'supertest';
import { hours, seconds } from '../../src/common/durations.js';
import { expectProblem } from '../support/problem.js';
import { startSandboxedService, startService, type SandboxedService } from '../support/service.js';
import { wrongCode } from '../support/wrong-code.js';

/** Numbers that share all but their last four digits. */
const target = (index: number): string => `+1415555${String(2_000 + index)}`;

let service: SandboxedService;

const start = async (settings: NodeJS.ProcessEnv) => {
  service = await startSandboxedService({ THROTTLE_SEND_LIMIT: '1000', ...settings });
};
const send = (phoneNumber: string, channel?: string) =>
  service.http.post('/otp/send').send({ phoneNumber, channel });
const resend = (pinId: string, channel?: string) =>
  service.http.post('/otp/resend').send({ pinId, channel });

async function verify(phoneNumber: string): Promise<void> {
  const [otpCode] = await service.getReceivedCodes(phoneNumber);
  await service.http
    .post('/otp/verify')
    .send({ phoneNumber, otpCode })
    .expect(200, { verified: true });
}

afterEach(() => service.close());

describe('A number that BLOCKED_PREFIXES matches', () => {
  it('gets no message, and repeated sends are rejected for the prefix rather than for a limit', async () => {
    await start({ BLOCKED_PREFIXES: '+44 77, +14155552671' });

    for (const blocked of ['+447712345678', '+447712345678', '+14155552671', '+14155552671']) {
      expectProblem(await send(blocked), 403, 'destination_not_allowed');
      expect(await service.getReceivedCodes(blocked)).toEqual([]);
    }
    await send('+447812345678').expect(200);
    await send('+14155552672').expect(200);
  });

  it('gets the same response whether a prefix or the complete number is listed, and the response quotes neither', async () => {
    await start({ BLOCKED_PREFIXES: '+4477,+14155552671' });
    const getBody = async (phoneNumber: string): Promise<unknown> => {
      const { body } = await send(phoneNumber);
      return Object.assign(body, { requestId: '' });
    };

    const first = await getBody('+447712345678');
    expect(await getBody('+14155552671')).toEqual(first);
    expect(JSON.stringify(first)).not.toMatch(/prefix|\+|\d{4}/);
  });

  it.each([
    ['+5491123456789', '+541123456789', 'voice'],
    ['+5491123456789', '+541123456789', 'sms'],
    ['+5411', '+5491123456789', 'sms'],
    ['+54911', '+541123456789', 'voice'],
    ['+5215512345678', '+525512345678', 'sms'],
    ['+553187654321', '+5531987654321', 'sms'],
    ['+22990', '+2290190123456', 'sms'],
  ])('is blocked in every spelling (%s blocks %s by %s)', async (prefix, number, channel) => {
    await start({ BLOCKED_PREFIXES: prefix });

    expectProblem(await send(number, channel), 403, 'destination_not_allowed');
  });

  it('gets a message if TRUSTED_PREFIXES has a longer prefix of it', async () => {
    await start({ BLOCKED_PREFIXES: '+44', TRUSTED_PREFIXES: '+4477' });

    await send('+447712345678').expect(200);
    expectProblem(await send('+447812345678'), 403, 'destination_not_allowed');
  });

  it('can still be a test number', async () => {
    await start({ BLOCKED_PREFIXES: '+1555', TEST_NUMBERS: '+15550001111:123456' });

    await send('+15550001111').expect(200);
  });

  // This test fails if checkResend in number-policy.ts does not check the prefix.
  it('gets no resend for a verification that began before its prefix was blocked', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'otp-prefixes-'));
    await start({});
    const { clock, sandboxUrl } = service;
    const withService = async <T>(
      settings: NodeJS.ProcessEnv,
      useService: (http: Agent) => Promise<T>,
    ): Promise<T> => {
      const account = { DATA_DIR: dataDir, INFOBIP_BASE_URL: sandboxUrl };
      const running = await startService({ ...account, ...settings }, clock);
      try {
        return await useService(running.http);
      } finally {
        await running.close();
      }
    };
    const limits = { SENDS_PER_NUMBER_PER_DAY: '2' };
    const { pinId } = await withService(limits, async (http) => {
      const sent = await http.post('/otp/send').send({ phoneNumber: '+447712345678' }).expect(200);
      return sent.body as { pinId: string };
    });
    clock.advance(seconds(30));

    await withService({ BLOCKED_PREFIXES: '+4477' }, async (http) => {
      for (let i = 0; i < 3; i += 1) {
        const response = await http.post('/otp/resend').send({ pinId });
        expectProblem(response, 403, 'destination_not_allowed');
      }
    });
    // The rejected messages were not counted.
    await withService(limits, (http) => http.post('/otp/resend').send({ pinId }).expect(200));
    expect(await service.getReceivedCodes('+447712345678')).toHaveLength(2);
    rmSync(dataDir, { recursive: true });
  });
});

describe('A number that TRUSTED_PREFIXES matches', () => {
  it('gets messages although its country and its type are blocked', async () => {
    await start({
      ALLOWED_COUNTRIES: 'US',
      BLOCKED_NUMBER_TYPES: 'FIXED_LINE',
      TRUSTED_PREFIXES: '+49,+870773111632',
    });

    await send('+4915112345678').expect(200);
    const { body } = await send('+4930123456', 'voice').expect(200);
    await send('+870773111632').expect(200);
    expectProblem(await send('+41793026727'), 403, 'destination_not_allowed');
    service.clock.advance(seconds(30));
    await resend(body.pinId, 'voice').expect(200);
  });

  it('must be a valid number', async () => {
    await start({ TRUSTED_PREFIXES: '+1555' });

    expectProblem(await send('+15550001111'), 400, 'validation_failed');
  });

  it('gets messages beyond the budgets of fraud protection', async () => {
    await start({ TRUSTED_PREFIXES: '+1415555' });
    // More than the 35 unverified messages that the budget of a prefix allows.
    for (let i = 0; i < 40; i += 1) await send(target(i)).expect(200);
    service.clock.advance(hours(1));
    const { body } = await send(target(41)).expect(200);
    service.clock.advance(seconds(30));

    await resend(body.pinId).expect(200);
    expect(service.log.text).not.toContain('SmsPumpingDetector');
  });

  it('neither uses up nor raises the budgets of other numbers in its country', async () => {
    await start({ TRUSTED_PREFIXES: '+1415' });
    const other = (index: number): string => `+1212555${String(2_000 + index)}`;
    // More than the 110 unverified messages that the budget of a country allows.
    const trusted = Array.from({ length: 120 }, (_, index) => target(index));
    await Promise.all(trusted.map((number) => send(number).expect(200)));
    await Promise.all(trusted.slice(0, 40).map(verify));

    // The budget of the other prefix: the floor of 10, and the burst allowance of 25.
    for (let i = 0; i < 35; i += 1) await send(other(i)).expect(200);
    expectProblem(await send(other(35)), 429, 'destination_suspended');
  });

  it('has the limits of its number, its end user and its client', async () => {
    await start({
      TRUSTED_PREFIXES: '+1415555',
      SENDS_PER_NUMBER_PER_DAY: '2',
      SENDS_PER_END_USER_IP_PER_HOUR: '3',
      CLIENT_SENDS_PER_DAY: '6',
    });
    const endUserIp = '192.0.2.1';
    const sendFor = (index: number) =>
      service.http.post('/otp/send').send({ phoneNumber: target(index), endUserIp });

    await send(target(0)).expect(200);
    expectProblem(await send(target(0)), 429, 'cooldown_active');
    service.clock.advance(seconds(30));
    await send(target(0)).expect(200);
    service.clock.advance(seconds(30));
    expectProblem(await send(target(0)), 429, 'quota_exceeded');
    for (let i = 1; i <= 3; i += 1) await sendFor(i).expect(200);
    expectProblem(await sendFor(4), 429, 'quota_exceeded');
    await send(target(4)).expect(200);
    expectProblem(await send(target(5)), 429, 'quota_exceeded');
  });

  it('has the limit of wrong codes', async () => {
    await start({ TRUSTED_PREFIXES: '+1415555', FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: '1' });
    const { body } = await send(target(0)).expect(200);
    const [otpCode = ''] = await service.getReceivedCodes(target(0));
    const wrong = { pinId: body.pinId, otpCode: wrongCode(otpCode) };
    await service.http.post('/otp/verify').send(wrong).expect(200);

    expectProblem(await service.http.post('/otp/verify').send(wrong), 429, 'quota_exceeded');
  });

  it('has the flood filter of its provider', async () => {
    await start({ TRUSTED_PREFIXES: '+1415555' });
    const { body } = await send(target(0)).expect(200);
    const statuses: number[] = [];
    for (let i = 0; i < 8; i += 1) {
      service.clock.advance(seconds(30));
      statuses.push((await resend(body.pinId)).status);
    }

    expect(statuses).toContain(429);
    expect(await service.getReceivedCodes(target(0))).toHaveLength(
      1 + statuses.filter((status) => status === 200).length,
    );
  });
});
