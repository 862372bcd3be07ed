import { setTimeout as delay } from 'node:timers/promises';
import {
  reply,
  startScriptedUpstream,
  type ScriptedUpstream,
} from '../support/scripted-upstream.js';
import { startService, type RunningService } from '../support/service.js';

const KNOWN = Array.from({ length: 10 }, (_, i) => `+141555526${String(70 + i)}`);
const UNKNOWN = Array.from({ length: 50 }, (_, i) => `+141555536${String(10 + i)}`);
const TRIES = 50;

/** How often what is in `slow` took longer than what is in `fast`: a half where nothing tells them apart. */
function separation(slow: readonly number[], fast: readonly number[]): number {
  const wins = slow.flatMap((one) => fast.map((other) => (one > other ? 1 : 0) as number));
  return wins.reduce((sum, win) => sum + win, 0) / wins.length;
}

describe('Verify by number', () => {
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

  async function timeOf(phoneNumber: string): Promise<number> {
    const beganAt = performance.now();
    await service.http.post('/otp/verify').send({ phoneNumber, otpCode: '000000' });
    return performance.now() - beganAt;
  }

  it('takes as long for a number that nobody knows as for one that is judged', async () => {
    // The first ones fill what is remembered.
    for (const number of [...KNOWN, ...KNOWN]) await timeOf(number);
    const judged: number[] = [];
    const refused: number[] = [];
    for (let i = 0; i < TRIES; i += 1) {
      judged.push(await timeOf(KNOWN[i % KNOWN.length] ?? ''));
      refused.push(await timeOf(UNKNOWN[i] ?? ''));
    }

    expect(upstream.requests).toHaveLength(KNOWN.length * 3 + TRIES);
    const told = separation(judged, refused);
    expect(told).toBeGreaterThan(0.25);
    expect(told).toBeLessThan(0.75);
  });
});
