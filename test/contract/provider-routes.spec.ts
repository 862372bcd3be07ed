import { setTimeout as delay } from 'node:timers/promises';
import { SendFailedError, type ProviderError } from '../../src/providers/provider-error.js';
import { phoneNumber } from '../support/phone-number.js';
import { startProvidersModule } from '../support/providers-module.js';
import {
  reply,
  startScriptedUpstream,
  type ScriptedUpstream,
} from '../support/scripted-upstream.js';

const SWISS = phoneNumber('+41793026727');
const AMERICAN = phoneNumber('+14155552671');
const POLL_MS = 10;
/** The pause of a circuit after it has opened for the first time. */
const FIRST_PAUSE_MS = 250;

describe('ProviderRouter with one provider for a country', () => {
  let infobip: ScriptedUpstream;
  let sinch: ScriptedUpstream;
  let providers: Awaited<ReturnType<typeof startProvidersModule>>;

  beforeEach(async () => {
    [infobip, sinch] = await Promise.all([startScriptedUpstream(), startScriptedUpstream()]);
    infobip.answer(reply(500, {}));
    sinch.answer(reply(200, { id: 'ID' }));
    providers = await startProvidersModule({
      PROVIDERS: 'infobip,sinch',
      PROVIDER_ROUTES: 'US:infobip',
      INFOBIP_BASE_URL: infobip.url,
      SINCH_BASE_URL: sinch.url,
    });
    // Five failures open the circuit of Infobip.
    for (let i = 0; i < 5; i += 1) await sendToAmerican();
    infobip.requests.length = 0;
  });

  afterEach(async () => {
    await providers.close();
    await Promise.all([infobip.close(), sinch.close()]);
  });

  const sendToAmerican = async (): Promise<void> => {
    const sending = providers.router.send(AMERICAN, 'sms', { isTestNumber: false });
    await expect(sending).rejects.toThrow(SendFailedError);
  };

  /** The error if no message to the number can be sent now. */
  function findObstacle(to = AMERICAN): ProviderError | undefined {
    try {
      providers.router.getRoute(to).assertAvailable('sms');
      return undefined;
    } catch (error) {
      return error as ProviderError;
    }
  }

  it('is available for other countries while the circuit of that provider is open', async () => {
    // If it is time for a probe already, the probe fails, and the circuit is open again.
    while (!findObstacle()) await sendToAmerican();
    infobip.requests.length = 0;
    expect(findObstacle()).toMatchObject({ failure: 'circuit_open' });
    expect(findObstacle(SWISS)).toBeUndefined();

    expect(await providers.router.send(SWISS, 'sms', { isTestNumber: false })).toMatchObject({
      provider: 'sinch',
      possiblySentBy: [],
    });
    expect(infobip.requests).toHaveLength(0);
  });

  // Fails if hasFallback in provider-router.ts looks at PROVIDERS only.
  it('does not lengthen the pause before the next probe, because no other provider can send to the country', async () => {
    while (infobip.requests.length === 0) {
      await delay(POLL_MS);
      await sendToAmerican();
    }

    expect(findObstacle()?.retryAfterMs ?? 0).toBeLessThanOrEqual(FIRST_PAUSE_MS);
  });
});
