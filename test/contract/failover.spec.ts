import type { ProviderCallCompleted } from '../../src/common/events.js';
import { SendFailedError } from '../../src/providers/provider-error.js';
import { freePort } from '../support/services/ports.js';
import { phoneNumber } from '../support/phone-number.js';
import { catchProviderError, startProvidersModule } from '../support/providers-module.js';
import {
  hang,
  dropConnection,
  reply,
  startScriptedUpstream,
  type Script,
  type ScriptedUpstream,
} from '../support/scripted-upstream.js';
import { scaleTimeLimit } from '../support/time-scale.js';

/** That many failures in a row open a circuit. */
const OPENING_FAILURES = 5;
const TIMEOUT_MS = scaleTimeLimit(1_000);
const number = phoneNumber('+41793026727');

const infobipSent = reply(200, { pinId: 'PIN', smsStatus: 'MESSAGE_SENT' });
const infobipUnreachable = reply(200, {
  smsStatus: 'MESSAGE_NOT_SENT',
  ncStatus: 'NC_DESTINATION_NOT_REACHABLE',
});
/** A throttle for longer than any test takes. */
const throttled = reply(429, {}, { 'retry-after': '30' });
const sinchSent = reply(200, { id: 'ID' });
const sinchUnreachable = reply(400, { errorCode: 40001 });

/** Failures of the first provider. */
const FAILURES: [title: string, script: Script, mayHaveSent: boolean][] = [
  ['rejects the API key', reply(401, {}), false],
  ['throttles', reply(429, {}), false],
  ['rejects the request', reply(400, {}), false],
  ['does not send the message', reply(200, { smsStatus: 'MESSAGE_NOT_SENT' }), false],
  ['fails with a 500', reply(500, {}), true],
  ['sends an invalid response', reply(200, '<html>'), true],
  ['hangs up', dropConnection, true],
  ['hangs', hang, true],
];

type RunningProviders = Awaited<ReturnType<typeof startProvidersModule>>;

describe('ProviderRouter with two providers', () => {
  let infobip: ScriptedUpstream;
  let sinch: ScriptedUpstream;
  let providers: RunningProviders;

  const start = (settings: NodeJS.ProcessEnv = {}) =>
    startProvidersModule({
      PROVIDERS: 'infobip,sinch',
      INFOBIP_BASE_URL: infobip.url,
      INFOBIP_API_KEY: 'secret-key',
      INFOBIP_APP_ID: 'APP',
      INFOBIP_MESSAGE_ID: 'MSG',
      SINCH_BASE_URL: sinch.url,
      SINCH_APPLICATION_KEY: 'app-key',
      SINCH_APPLICATION_SECRET: 'c2VjcmV0',
      PROVIDER_TIMEOUT: `${String(TIMEOUT_MS)}ms`,
      ...settings,
    });

  beforeEach(async () => {
    [infobip, sinch] = await Promise.all([startScriptedUpstream(), startScriptedUpstream()]);
    infobip.answer(infobipSent);
    sinch.answer(sinchSent);
    providers = await start();
  });

  afterEach(async () => {
    await providers.close();
    await Promise.all([infobip.close(), sinch.close()]);
  });

  const send = () => providers.router.send(number, 'sms', { isTestNumber: false });
  const resend = (provider: string, pinId: string) =>
    providers.router.resend(number, { provider, pinId }, 'sms');
  const verify = (provider: string, pinId: string) =>
    providers.router.verify(number, { provider, pinId }, '407193');
  /** How many requests Infobip and Sinch got. */
  const requestCounts = () => [infobip.requests.length, sinch.requests.length];
  const sendErrorOf = async (call: Promise<unknown>): Promise<SendFailedError> => {
    const error: unknown = await call.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SendFailedError);
    return error as SendFailedError;
  };

  it('sends by the first of PROVIDERS', async () => {
    expect(await send()).toEqual({ provider: 'infobip', pinId: 'PIN', possiblySentBy: [] });
    expect(requestCounts()).toEqual([1, 0]);
  });

  it('after an unexpected error, reports that every provider may have sent the message', () => {
    expect(providers.router.getPossibleSenders(new Error('a bug'))).toEqual(['infobip', 'sinch']);
  });

  it('after a failed send, reports that only providers without a clear result may have sent the message', async () => {
    infobip.answer(hang);
    sinch.answer(reply(401, {}));

    const error = await sendErrorOf(send());

    expect(providers.router.getPossibleSenders(error)).toEqual(['infobip']);
  });

  it('calls neither provider for a test number', async () => {
    expect(await providers.router.send(number, 'sms', { isTestNumber: true })).toMatchObject({
      provider: 'test',
    });
    expect(await resend('test', 'test-pin')).toMatchObject({ provider: 'test', pinId: 'test-pin' });
    // TEST_NUMBERS is empty, as after the removal of the number.
    expect(await verify('test', 'test-pin')).toBe('expired');
    expect(requestCounts()).toEqual([0, 0]);
  });

  it('prefers providers in the order of PROVIDERS', async () => {
    await providers.close();
    providers = await start({ PROVIDERS: 'sinch,infobip' });

    expect(await send()).toMatchObject({ provider: 'sinch', pinId: 'sms/ID' });
    expect(requestCounts()).toEqual([0, 1]);
  });

  describe.each(FAILURES)('when the first provider %s', (_title, script, mayHaveSent) => {
    beforeEach(() => {
      infobip.answer(script);
    });

    it('sends by the second provider after one call to the first', async () => {
      expect(await send()).toEqual({
        provider: 'sinch',
        pinId: 'sms/ID',
        possiblySentBy: mayHaveSent ? ['infobip'] : [],
      });
      expect(requestCounts()).toEqual([1, 1]);
    });

    it('resends by a new code of the second provider', async () => {
      expect(await resend('infobip', 'OLD')).toMatchObject({ provider: 'sinch', pinId: 'sms/ID' });
      expect(infobip.requests.map(({ path }) => path)).toEqual(['/2fa/2/pin/OLD/resend']);
      expect(requestCounts()).toEqual([1, 1]);
    });

    it('does not check a code of the first provider at the second', async () => {
      await verify('infobip', 'OLD').catch(() => undefined);

      expect(requestCounts()).toEqual([1, 0]);
    });
  });

  it('retries the first provider once when it refuses connections, then sends by the second', async () => {
    await providers.close();
    providers = await start({ INFOBIP_BASE_URL: `http://127.0.0.1:${String(await freePort())}` });
    const calls: ProviderCallCompleted[] = [];
    providers.events.subscribe('provider_call_completed', (event) => calls.push(event));

    expect(await send()).toEqual({ provider: 'sinch', pinId: 'sms/ID', possiblySentBy: [] });
    expect(calls.map(({ provider, error }) => [provider, error?.failure])).toEqual([
      ['infobip', 'connection_failed'],
      ['infobip', 'connection_failed'],
      ['sinch', undefined],
    ]);
  });

  it('does not retry the first provider when the process was blocked for PROVIDER_TIMEOUT', async () => {
    await providers.close();
    providers = await start({ INFOBIP_BASE_URL: `http://127.0.0.1:${String(await freePort())}` });
    const called: string[] = [];
    providers.events.subscribe('provider_call_completed', ({ provider }) => {
      if (called.push(provider) === 1) setImmediate(blockProcess, TIMEOUT_MS);
    });

    expect(await send()).toMatchObject({ provider: 'sinch', possiblySentBy: [] });
    expect(called).toEqual(['infobip', 'sinch']);
  });

  it('does not try the second provider for an unreachable number', async () => {
    infobip.answer(infobipUnreachable);

    expect(await sendErrorOf(send())).toMatchObject({
      code: 'destination_unreachable',
      possiblySentBy: [],
    });
    expect(await sendErrorOf(resend('infobip', 'OLD'))).toMatchObject({
      code: 'destination_unreachable',
    });
    expect(requestCounts()).toEqual([2, 0]);
  });

  it('resends first by the provider that sent the code, regardless of the order of PROVIDERS', async () => {
    expect(await resend('sinch', 'sms/OLD')).toMatchObject({ provider: 'sinch' });
    expect(requestCounts()).toEqual([0, 1]);
    sinch.answer(reply(500, {}));

    expect(await resend('sinch', 'sms/OLD')).toEqual({
      provider: 'infobip',
      pinId: 'PIN',
      possiblySentBy: ['sinch'],
    });
    expect(infobip.requests.map(({ path }) => path)).toEqual(['/2fa/2/pin?ncNeeded=true']);
  });

  it('resends by a new code of the second provider when the first no longer knows the old code', async () => {
    infobip.answer(reply(404, { errorCode: 'E404' }));

    expect(await resend('infobip', 'OLD')).toMatchObject({ provider: 'sinch', possiblySentBy: [] });
  });

  it('resends by another provider if that of the code was removed from PROVIDERS, and checks no code of it', async () => {
    await providers.close();
    providers = await start({ PROVIDERS: 'infobip' });

    expect(await resend('sinch', 'sms/OLD')).toMatchObject({ provider: 'infobip', pinId: 'PIN' });
    expect(await catchProviderError(verify('sinch', 'sms/OLD'))).toMatchObject({
      code: 'provider_unavailable',
    });
    expect(requestCounts()).toEqual([1, 0]);
  });

  it.each<
    [reported: string, first: Script, second: Script, code: string, possiblySentBy: string[]]
  >([
    ['a message that may have been sent', reply(401, {}), hang, 'provider_timeout', ['sinch']],
    [
      'a message that may have been sent',
      reply(500, {}),
      reply(401, {}),
      'provider_error',
      ['infobip'],
    ],
    [
      'two messages that may have been sent',
      hang,
      reply(500, {}),
      'provider_timeout',
      ['infobip', 'sinch'],
    ],
    ['the unreachable number', hang, sinchUnreachable, 'destination_unreachable', ['infobip']],
    ['the first failure', reply(401, {}), reply(429, {}), 'provider_error', []],
  ])('when both fail, reports %s', async (_what, first, second, code, possiblySentBy) => {
    infobip.answer(first);
    sinch.answer(second);

    expect(await sendErrorOf(send())).toMatchObject({ code, possiblySentBy });
    expect(requestCounts()).toEqual([1, 1]);
  });

  it('sends by the second provider when a number is over its limit at the first, and other numbers by the first', async () => {
    await providers.close();
    providers = await start({ PROVIDERS: 'sinch,infobip' });
    sinch.answer(reply(429, { errorCode: 42901 }, { 'retry-after': '30' }));
    for (let i = 0; i < OPENING_FAILURES; i += 1)
      expect(await send()).toMatchObject({ provider: 'infobip' });
    sinch.answer(sinchSent);

    expect(
      await providers.router.send(phoneNumber('+41793026728'), 'sms', { isTestNumber: false }),
    ).toMatchObject({
      provider: 'sinch',
    });
  });

  describe('when the circuit of the first provider is open', () => {
    beforeEach(async () => {
      infobip.answer(throttled);
      for (let i = 0; i < OPENING_FAILURES; i += 1) await send();
      infobip.requests.length = sinch.requests.length = 0;
    });

    it('skips the first provider', async () => {
      expect(await send()).toEqual({ provider: 'sinch', pinId: 'sms/ID', possiblySentBy: [] });
      expect(requestCounts()).toEqual([0, 1]);
    });

    it('returns the error of the second provider', async () => {
      sinch.answer(reply(401, {}));

      expect(await sendErrorOf(send())).toMatchObject({
        code: 'provider_error',
        possiblySentBy: [],
      });
    });

    it('still resends by the first provider, as each operation has its own circuit', async () => {
      infobip.answer(infobipSent);

      expect(await resend('infobip', 'PIN')).toMatchObject({ provider: 'infobip' });
    });

    it('still checks codes of the first provider', async () => {
      infobip.answer(reply(200, { verified: true, msisdn: number.e164.slice(1) }));

      expect(await verify('infobip', 'PIN')).toBe('verified');
    });
  });

  it('rejects a verify at once with retryAfterMs when enough verifies failed before', async () => {
    infobip.answer(reply(500, {}));
    for (let i = 0; i < OPENING_FAILURES; i += 1)
      await catchProviderError(verify('infobip', 'PIN'));

    expect(await catchProviderError(verify('infobip', 'PIN'))).toMatchObject({
      failure: 'circuit_open',
      code: 'provider_unavailable',
      retryAfterMs: expect.any(Number),
    });
    expect(requestCounts()).toEqual([OPENING_FAILURES, 0]);
  });

  it('sends by the second provider when the first has PROVIDER_MAX_IN_FLIGHT calls running', async () => {
    await providers.close();
    providers = await start({ PROVIDER_MAX_IN_FLIGHT: '2' });
    infobip.answer(hang);
    const waiting = [send(), send()];

    expect(await send()).toEqual({ provider: 'sinch', pinId: 'sms/ID', possiblySentBy: [] });
    expect(await Promise.all(waiting)).toMatchObject([
      { provider: 'sinch', possiblySentBy: ['infobip'] },
      { provider: 'sinch', possiblySentBy: ['infobip'] },
    ]);
    expect(requestCounts()).toEqual([2, 3]);
  });
});

/** Blocks the event loop. */
function blockProcess(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
