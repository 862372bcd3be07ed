import { hours, minutes, seconds } from '../../src/common/durations.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';
import { expectProblem } from '../support/problem.js';

const PROBLEM_TYPE = 'https://iana.org/assignments/http-problem-types#abnormal-usage-detected';

/** Unverified messages to a prefix in an hour: the floor of 10, and the burst allowance of 25. */
const PREFIX_BUDGET = 35;

/** Unverified messages to a prefix in a day: the floor of 30, and the burst allowance of 10. */
const DAILY_PREFIX_BUDGET = 40;

/** Numbers that share all but their last four digits. */
const target = (index: number): string => `+1415555${String(2_000 + index)}`;

describe('An SMS pumping attack on a number prefix', () => {
  let service: SandboxedService;

  const start = async (settings: NodeJS.ProcessEnv = {}) => {
    service = await startSandboxedService({ THROTTLE_SEND_LIMIT: '1000000', ...settings });
  };
  const send = (phoneNumber: string) => service.http.post('/otp/send').send({ phoneNumber });
  const countMessagesToTargets = async (count: number): Promise<number> => {
    let messages = 0;
    for (let i = 0; i < count; i += 1)
      messages += (await service.getReceivedCodes(target(i))).length;
    return messages;
  };

  afterEach(() => service.close());

  it.each([
    ['all at once', 0],
    ['one a second', seconds(1)],
    ['one every 20 seconds', seconds(20)],
  ])('is stopped within 40 messages, %s', async (_rate, everyMs) => {
    await start();
    const statuses: number[] = [];
    if (everyMs === 0) {
      const responses = await Promise.all(Array.from({ length: 60 }, (_, i) => send(target(i))));
      statuses.push(...responses.map(({ status }) => status));
    } else {
      for (let i = 0; i < 60; i += 1) {
        statuses.push((await send(target(i))).status);
        service.clock.advance(everyMs);
      }
    }

    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(
      DAILY_PREFIX_BUDGET,
    );
    expect(await countMessagesToTargets(60)).toBe(
      statuses.filter((status) => status === 200).length,
    );
  });

  it('gets a Retry-After, and only the log shows its counts', async () => {
    await start();
    for (let i = 0; i < PREFIX_BUDGET; i += 1) await send(target(i)).expect(200);
    const response = await send(target(PREFIX_BUDGET));

    expectProblem(response, 429, 'destination_suspended');
    expect(response.body.type).toBe(PROBLEM_TYPE);
    // An hour after the end of the first message's five-minute time bucket.
    expect(response.headers['retry-after']).toBe(String(minutes(65) / seconds(1)));
    const { instance, requestId, status, ...texts } = response.body as Record<string, unknown>;
    expect([instance, typeof requestId, status]).toEqual(['/otp/send', 'string', 429]);
    expect(JSON.stringify(texts)).not.toMatch(/\d{2}|prefix|country|budget|hour/);
    const warnings = service.log.lines.filter((line) => line.includes('SmsPumpingDetector'));
    expect(warnings).toHaveLength(1);
    expect(JSON.parse(warnings[0] ?? '')).toMatchObject({
      level: 'warn',
      msg:
        'Blocked a message to +1415•••2035 (US) from client anonymous: in the last hour this ' +
        'client sent 36 unverified messages to this prefix, including this one and others whose ' +
        'codes can still be verified. With 0 verified, the budget allows 35.',
    });
  });

  // This test fails if OtpService.resend does not pass `evaluate` to the store.
  it('cannot go on with resends', async () => {
    await start();
    const { body } = await send(target(0));
    for (let i = 1; i < PREFIX_BUDGET; i += 1) await send(target(i)).expect(200);
    service.clock.advance(seconds(30));

    const response = await service.http.post('/otp/resend').send({ pinId: body.pinId });

    expectProblem(response, 429, 'destination_suspended');
    expect(await service.getReceivedCodes(target(0))).toHaveLength(1);
  });

  it('does not block numbers that were verified before, nor other countries', async () => {
    await start();
    const verifiedNumber = target(99);
    const { body } = await send(verifiedNumber);
    const [otpCode = ''] = await service.getReceivedCodes(verifiedNumber);
    await service.http.post('/otp/verify').send({ pinId: body.pinId, otpCode }).expect(200);
    // By then, that code no longer raises the prefix's budget.
    service.clock.advance(hours(24));
    for (let i = 0; i < PREFIX_BUDGET + 5; i += 1) await send(target(i));

    await send(target(50)).expect(429);
    await send(verifiedNumber).expect(200);
    await send('+41793026727').expect(200);
  });

  it('no longer blocks the prefix as soon as a code is verified', async () => {
    await start();
    const pinIds: string[] = [];
    for (let i = 0; i < PREFIX_BUDGET; i += 1)
      pinIds.push((await send(target(i)).expect(200)).body.pinId);
    await send(target(PREFIX_BUDGET)).expect(429);

    const [otpCode = ''] = await service.getReceivedCodes(target(0));
    await service.http.post('/otp/verify').send({ pinId: pinIds[0], otpCode }).expect(200);
    await send(target(PREFIX_BUDGET)).expect(200);
  });

  it('is only logged with PUMPING_GUARD=observe, and ignored with PUMPING_GUARD=off', async () => {
    await start({ PUMPING_GUARD: 'observe' });
    for (let i = 0; i < PREFIX_BUDGET + 2; i += 1) await send(target(i)).expect(200);
    expect(service.log.text.match(/Would block a message to \+1415•••20\d\d \(US\)/g)).toHaveLength(
      2,
    );
    await service.close();

    await start({ PUMPING_GUARD: 'off' });
    for (let i = 0; i < PREFIX_BUDGET + 2; i += 1) await send(target(i)).expect(200);
    expect(service.log.text).not.toContain('SmsPumpingDetector');
  });
});

describe('The limit on all messages', () => {
  // A client's messages are counted in five-minute buckets, those of an end user one by one.
  it.each([
    ['one client', { CLIENT_SENDS_PER_DAY: '2' }, hours(24) + minutes(5)],
    ['one end user', { SENDS_PER_END_USER_IP_PER_HOUR: '2' }, hours(1)],
  ])('of %s returns quota_exceeded with Retry-After', async (_whose, settings, waitMs) => {
    const service = await startSandboxedService(settings);
    const send = (index: number, endUserIp: string) =>
      service.http.post('/otp/send').send({ phoneNumber: target(index), endUserIp });
    // The addresses of one /64 network are one end user.
    await send(0, '2001:db8::1').expect(200);
    await send(1, '2001:db8::2').expect(200);

    const response = await send(2, '2001:db8::3');
    expectProblem(response, 429, 'quota_exceeded');
    expect(response.headers['retry-after']).toBe(String(waitMs / seconds(1)));
    await service.close();
  });
});
