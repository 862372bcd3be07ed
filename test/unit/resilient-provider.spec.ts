import { seconds } from '../../src/common/durations.js';
import { EventBus } from '../../src/common/events.js';
import { providersConfig } from '../../src/config/providers.config.js';
import { ResilientProvider } from '../../src/providers/resilient-provider.js';
import type { CallOptions } from '../../src/providers/otp-provider.js';
import { ProviderError } from '../../src/providers/provider-error.js';
import { testEnvironment } from '../support/config.js';
import { phoneNumber } from '../support/phone-number.js';

const TIMEOUT_MS = seconds(1);

describe('A provider that cannot be connected to', () => {
  let asked: { at: number; timeoutMs: number | undefined }[];

  beforeEach(() => {
    asked = [];
  });

  /** Sends by one that finds out after so many milliseconds. */
  async function send(afterMs: number): Promise<unknown> {
    const never = async (terms?: CallOptions): Promise<never> => {
      asked.push({ at: performance.now(), timeoutMs: terms?.timeoutMs });
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      throw new ProviderError('connection_failed');
    };
    const provider = new ResilientProvider(
      {
        name: 'infobip',
        send: (_to, _channel, terms) => never(terms),
        resend: () => never(),
        verify: () => never(),
      },
      providersConfig(testEnvironment({ PROVIDER_TIMEOUT: `${String(TIMEOUT_MS)}ms` })),
      new EventBus(),
    );
    return provider
      .call('send', undefined, (adapter, options) =>
        adapter.send(phoneNumber('+14155552671'), 'sms', options),
      )
      .catch((error: unknown) => (error as ProviderError).failure);
  }

  // In call: `leftMs()` of the second attempt, and `delay`.
  it('is asked once more, a moment later and with the time that is left', async () => {
    expect(await send(100)).toBe('connection_failed');

    expect(asked).toHaveLength(2);
    const [first, second] = asked;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(145);
    expect(second?.timeoutMs).toBeLessThanOrEqual(TIMEOUT_MS - 145);
  });

  // In call: `leftMs() < 2 * pauseMs`. A call without any time would wait for ever.
  it('is not asked once more where there is no time left', async () => {
    expect(await send(TIMEOUT_MS - 50)).toBe('connection_failed');

    expect(asked).toHaveLength(1);
  });
});
