import { seconds } from '../../src/common/durations.js';
import { EventBus } from '../../src/common/events.js';
import { providersConfig } from '../../src/config/providers.config.js';
import { ResilientProvider } from '../../src/providers/resilient-provider.js';
import type { ProviderCallOptions } from '../../src/providers/otp-provider.js';
import { ProviderError } from '../../src/providers/provider-error.js';
import { testEnvironment } from '../support/config.js';
import { phoneNumber } from '../support/phone-number.js';

const TIMEOUT_MS = seconds(1);
/** The first call fails after 100 ms, the pause takes at least 50 ms, and timers can be early. */
const MIN_RETRY_MS = 145;

describe('ResilientProvider with a provider that refuses connections', () => {
  let calls: { at: number; timeoutMs: number | undefined }[];

  beforeEach(() => {
    calls = [];
  });

  /** Sends by a provider that fails after `afterMs`. */
  async function send(afterMs: number): Promise<unknown> {
    const fail = async (options?: ProviderCallOptions): Promise<never> => {
      calls.push({ at: performance.now(), timeoutMs: options?.timeoutMs });
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      throw new ProviderError('connection_failed');
    };
    const provider = new ResilientProvider(
      {
        name: 'infobip',
        channels: ['sms'],
        send: (_to, _channel, options) => fail(options),
        resend: () => fail(),
        findVerified: () => Promise.reject(new Error('not called')),
        verify: () => fail(),
      },
      providersConfig(testEnvironment({ PROVIDER_TIMEOUT: `${String(TIMEOUT_MS)}ms` })),
      new EventBus(),
      () => false,
      () => false,
    );
    return provider
      .send(phoneNumber('+14155552671'), 'sms')
      .catch((error: unknown) => (error as ProviderError).failure);
  }

  it('retries once after a pause, with the remaining time', async () => {
    expect(await send(100)).toBe('connection_failed');

    expect(calls).toHaveLength(2);
    const [first, second] = calls;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(MIN_RETRY_MS);
    expect(second?.timeoutMs).toBeLessThanOrEqual(TIMEOUT_MS - MIN_RETRY_MS);
  });

  // A retry without a time limit would wait for ever.
  it('does not retry when no time remains', async () => {
    expect(await send(TIMEOUT_MS - 50)).toBe('connection_failed');

    expect(calls).toHaveLength(1);
  });
});
