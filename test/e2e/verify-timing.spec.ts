import { setTimeout as delay } from 'node:timers/promises';
import {
  reply,
  startScriptedUpstream,
  type ScriptedUpstream,
} from '../support/scripted-upstream.js';
import { startService, type RunningService } from '../support/service.js';

const KNOWN = Array.from({ length: 10 }, (_, i) => `+141555526${String(70 + i)}`);
const UNKNOWN = Array.from({ length: 50 }, (_, i) => `+141555536${String(10 + i)}`);
const SAMPLES = 50;

/** The share of pairs in which the first took longer: 0.5 if times of both kinds cannot be told apart. */
function shareOfSlower(ones: readonly number[], others: readonly number[]): number {
  const wins = ones.flatMap((one) => others.map((other) => (one > other ? 1 : 0) as number));
  return wins.reduce((sum, win) => sum + win, 0) / wins.length;
}

function expectNoDifference(share: number): void {
  expect(share).toBeGreaterThan(0.25);
  expect(share).toBeLessThan(0.75);
}

describe('POST /otp/verify by phone number', () => {
  let upstream: ScriptedUpstream;
  let service: RunningService;

  beforeAll(async () => {
    upstream = await startScriptedUpstream();
    service = await startService({
      INFOBIP_BASE_URL: upstream.url,
      THROTTLE_VERIFY_LIMIT: '1000',
      OTP_MAX_ATTEMPTS: '10',
    });
    upstream.answer(
      reply(200, { pinId: 'pin', smsStatus: 'MESSAGE_SENT', ncStatus: 'NC_DESTINATION_REACHABLE' }),
    );
    for (const phoneNumber of KNOWN) await service.http.post('/otp/send').send({ phoneNumber });
    upstream.answer((response) => {
      void delay(20 + 40 * Math.random()).then(() => {
        reply(200, { pinId: 'pin', verified: false, pinError: 'WRONG_PIN', attemptsRemaining: 3 })(
          response,
        );
      });
    });
  });

  afterAll(async () => {
    await service.close();
    await upstream.close();
  });

  async function measureVerify(phoneNumber: string): Promise<number> {
    const startedAt = performance.now();
    await service.http.post('/otp/verify').send({ phoneNumber, otpCode: '000000' });
    return performance.now() - startedAt;
  }

  it('takes as long for an unknown number as for a wrong code of a known one', async () => {
    // The first twenty requests fill the service's sample of response times.
    for (const number of [...KNOWN, ...KNOWN]) await measureVerify(number);
    const checked: number[] = [];
    const rejected: number[] = [];
    for (let i = 0; i < SAMPLES; i += 1) {
      checked.push(await measureVerify(KNOWN[i % KNOWN.length] ?? ''));
      rejected.push(await measureVerify(UNKNOWN[i] ?? ''));
    }

    // A send and two checks for each known number, and then SAMPLES checks: none for unknown numbers.
    expect(upstream.requests).toHaveLength(KNOWN.length * 3 + SAMPLES);
    expectNoDifference(shareOfSlower(checked, rejected));
    // Also if each of one kind takes the mean time of the other.
    const median = [...checked, ...rejected].sort((a, b) => a - b)[SAMPLES] ?? 0;
    const distances = (times: readonly number[]) => times.map((time) => Math.abs(time - median));
    expectNoDifference(shareOfSlower(distances(checked), distances(rejected)));
  });
});
