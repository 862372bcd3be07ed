import type { ServiceEvent } from '../../src/common/events.js';
import { SendFailedError } from '../../src/providers/provider-router.js';
import { freePort } from '../support/free-port.js';
import { phoneNumber } from '../support/phone-number.js';
import { failureOf, startProvider } from '../support/provider.js';
import {
  hang,
  hangUp,
  reply,
  startScriptedUpstream,
  type Script,
  type ScriptedUpstream,
} from '../support/scripted-upstream.js';
import { scaled } from '../support/time-scale.js';

const TIMEOUT_MS = scaled(1_000);
const number = phoneNumber('+41793026727');

const infobipSent = reply(200, { pinId: 'PIN', smsStatus: 'MESSAGE_SENT' });
const infobipUnreachable = reply(200, {
  smsStatus: 'MESSAGE_NOT_SENT',
  ncStatus: 'NC_DESTINATION_NOT_REACHABLE',
});
/** For longer than any test takes. */
const leaveMeAlone = reply(429, {}, { 'retry-after': '30' });
const sinchSent = reply(200, { id: 'ID' });
const sinchUnreachable = reply(400, { errorCode: 40001 });

/** What the first may say, and whether it may have texted then. */
const FAILURES: [title: string, script: Script, possiblySentBy: boolean][] = [
  ['refuses our key', reply(401, {}), false],
  ['throttles us', reply(429, {}), false],
  ['does not take the request', reply(400, {}), false],
  ['keeps the text back', reply(200, { smsStatus: 'MESSAGE_NOT_SENT' }), false],
  ['breaks', reply(500, {}), true],
  ['answers with garbage', reply(200, '<html>'), true],
  ['hangs up', hangUp, true],
  ['hangs', hang, true],
];

type Fleet = Awaited<ReturnType<typeof startProvider>>;

describe('Of two providers', () => {
  let infobip: ScriptedUpstream;
  let sinch: ScriptedUpstream;
  let fleet: Fleet;

  const start = (settings: NodeJS.ProcessEnv = {}) =>
    startProvider({
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
    fleet = await start();
  });

  afterEach(async () => {
    await fleet.close();
    await Promise.all([infobip.close(), sinch.close()]);
  });

  const send = () => fleet.router.send(number, 'sms', false);
  const resend = (provider: string, pinId: string) =>
    fleet.router.resend(number, { provider, pinId }, 'sms');
  const verify = (provider: string, pinId: string) =>
    fleet.router.verify(number, { provider, pinId }, '407193');
  const asked = () => [infobip.requests.length, sinch.requests.length];
  const notTaken = async (call: Promise<unknown>): Promise<SendFailedError> => {
    const error: unknown = await call.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SendFailedError);
    return error as SendFailedError;
  };

  it('the preferred one is asked', async () => {
    expect(await send()).toEqual({ provider: 'infobip', pinId: 'PIN', possiblySentBy: [] });
    expect(asked()).toEqual([1, 0]);
  });

  it('after an unexpected error, each may have sent the message', () => {
    expect(fleet.router.getPossibleSenders(new Error('a bug'))).toEqual(['infobip', 'sinch']);
  });

  it('after a failed send, only those without a clear result may have sent the message', async () => {
    infobip.answer(hang);
    sinch.answer(reply(401, {}));

    const error = await notTaken(send());

    expect(fleet.router.getPossibleSenders(error)).toEqual(['infobip']);
  });

  it('neither is called for a test number', async () => {
    expect(await fleet.router.send(number, 'sms', true)).toMatchObject({ provider: 'test' });
    expect(await resend('test', 'agreed')).toMatchObject({ provider: 'test', pinId: 'agreed' });
    expect(await verify('test', 'agreed')).toBe('expired');
    expect(asked()).toEqual([0, 0]);
  });

  it('the order of the settings is the order of preference', async () => {
    await fleet.close();
    fleet = await start({ PROVIDERS: 'sinch,infobip' });

    expect(await send()).toMatchObject({ provider: 'sinch', pinId: 'sms/ID' });
    expect(asked()).toEqual([0, 1]);
  });

  describe.each(FAILURES)('when the first %s', (_title, script, possiblySentBy) => {
    beforeEach(() => {
      infobip.answer(script);
    });

    it('the second sends, after one call to the first', async () => {
      expect(await send()).toEqual({
        provider: 'sinch',
        pinId: 'sms/ID',
        possiblySentBy: possiblySentBy ? ['infobip'] : [],
      });
      expect(asked()).toEqual([1, 1]);
    });

    it('a resend of its code is a new code of the second', async () => {
      expect(await resend('infobip', 'OLD')).toMatchObject({ provider: 'sinch', pinId: 'sms/ID' });
      expect(infobip.requests.map(({ path }) => path)).toEqual(['/2fa/2/pin/OLD/resend']);
      expect(asked()).toEqual([1, 1]);
    });

    it('a code of its own is not taken to the second', async () => {
      await verify('infobip', 'OLD').catch(() => undefined);

      expect(asked()).toEqual([1, 0]);
    });
  });

  it('when the first refuses connections, it is tried once more, and then the second sends', async () => {
    await fleet.close();
    fleet = await start({ INFOBIP_BASE_URL: `http://127.0.0.1:${String(await freePort())}` });
    const events: ServiceEvent[] = [];
    fleet.events.subscribe((event) => events.push(event));

    expect(await send()).toEqual({ provider: 'sinch', pinId: 'sms/ID', possiblySentBy: [] });
    expect(
      events.flatMap((event) =>
        event.type === 'provider_call_completed' ? [[event.provider, event.error?.failure]] : [],
      ),
    ).toEqual([
      ['infobip', 'connection_failed'],
      ['infobip', 'connection_failed'],
      ['sinch', undefined],
    ]);
  });

  it('when the process stands still after the first refused, that is not tried beyond its time', async () => {
    await fleet.close();
    fleet = await start({ INFOBIP_BASE_URL: `http://127.0.0.1:${String(await freePort())}` });
    const called: string[] = [];
    fleet.events.subscribe((event) => {
      if (event.type === 'provider_call_completed' && called.push(event.provider) === 1) {
        setImmediate(standStill, TIMEOUT_MS);
      }
    });

    expect(await send()).toMatchObject({ provider: 'sinch', possiblySentBy: [] });
    expect(called).toEqual(['infobip', 'sinch']);
  });

  it('the number’s own fault is not taken to the second', async () => {
    infobip.answer(infobipUnreachable);

    expect(await notTaken(send())).toMatchObject({
      code: 'destination_unreachable',
      possiblySentBy: [],
    });
    expect(await notTaken(resend('infobip', 'OLD'))).toMatchObject({
      code: 'destination_unreachable',
    });
    expect(asked()).toEqual([2, 0]);
  });

  it('who holds the code is asked first to resend it, whatever the order of preference', async () => {
    expect(await resend('sinch', 'sms/OLD')).toMatchObject({ provider: 'sinch' });
    expect(asked()).toEqual([0, 1]);
    sinch.answer(reply(500, {}));

    expect(await resend('sinch', 'sms/OLD')).toEqual({
      provider: 'infobip',
      pinId: 'PIN',
      possiblySentBy: ['sinch'],
    });
    expect(infobip.requests.map(({ path }) => path)).toEqual(['/2fa/2/pin?ncNeeded=true']);
  });

  it('a code that its holder has forgotten is replaced by the second’s', async () => {
    infobip.answer(reply(404, { errorCode: 'E404' }));

    expect(await resend('infobip', 'OLD')).toMatchObject({ provider: 'sinch', possiblySentBy: [] });
  });

  it('a code of a provider that the settings name no more is resent by another, and not judged', async () => {
    await fleet.close();
    fleet = await start({ PROVIDERS: 'infobip' });

    expect(await resend('sinch', 'sms/OLD')).toMatchObject({ provider: 'infobip', pinId: 'PIN' });
    expect(await failureOf(verify('sinch', 'sms/OLD'))).toMatchObject({
      code: 'provider_unavailable',
    });
    expect(asked()).toEqual([1, 0]);
  });

  it.each<[string, Script, Script, string, string[]]>([
    ['a text that may be out', reply(401, {}), hang, 'provider_timeout', ['sinch']],
    ['a text that may be out', reply(500, {}), reply(401, {}), 'provider_error', ['infobip']],
    ['both that may be out', hang, reply(500, {}), 'provider_timeout', ['infobip', 'sinch']],
    ['the number’s fault', hang, sinchUnreachable, 'destination_unreachable', ['infobip']],
    ['the first failure', reply(401, {}), reply(429, {}), 'provider_error', []],
  ])('when both fail, the caller hears of %s', async (_of, first, second, kind, possiblySentBy) => {
    infobip.answer(first);
    sinch.answer(second);

    expect(await notTaken(send())).toMatchObject({ code: kind, possiblySentBy });
    expect(asked()).toEqual([1, 1]);
  });

  it('when a number is over its limit at the first, the second sends, and other numbers are the first’s', async () => {
    await fleet.close();
    fleet = await start({ PROVIDERS: 'sinch,infobip' });
    sinch.answer(reply(429, { errorCode: 42901 }, { 'retry-after': '30' }));
    for (let i = 0; i < 5; i += 1) expect(await send()).toMatchObject({ provider: 'infobip' });
    sinch.answer(sinchSent);

    expect(await fleet.router.send(phoneNumber('+41793026728'), 'sms', false)).toMatchObject({
      provider: 'sinch',
    });
  });

  describe('when the circuit of the first is open', () => {
    beforeEach(async () => {
      infobip.answer(leaveMeAlone);
      for (let i = 0; i < 5; i += 1) await send();
      infobip.requests.length = sinch.requests.length = 0;
    });

    it('it is skipped', async () => {
      expect(await send()).toEqual({ provider: 'sinch', pinId: 'sms/ID', possiblySentBy: [] });
      expect(asked()).toEqual([0, 1]);
    });

    it('the caller hears what the second says', async () => {
      sinch.answer(reply(401, {}));

      expect(await notTaken(send())).toMatchObject({ code: 'provider_error', possiblySentBy: [] });
    });

    it('its codes are sent again all the same: each operation has its own circuit', async () => {
      infobip.answer(infobipSent);

      expect(await resend('infobip', 'PIN')).toMatchObject({ provider: 'infobip' });
    });

    it('its codes are judged all the same', async () => {
      infobip.answer(reply(200, { verified: true, msisdn: number.e164.slice(1) }));

      expect(await verify('infobip', 'PIN')).toBe('verified');
    });
  });

  it('when no verify is answered, the next hears at once when to ask again', async () => {
    infobip.answer(reply(500, {}));
    for (let i = 0; i < 5; i += 1) await failureOf(verify('infobip', 'PIN'));

    expect(await failureOf(verify('infobip', 'PIN'))).toMatchObject({
      failure: 'circuit_open',
      code: 'provider_unavailable',
      retryAfterMs: expect.any(Number),
    });
    expect(asked()).toEqual([5, 0]);
  });

  it('the second takes what the first has no place for', async () => {
    await fleet.close();
    fleet = await start({ PROVIDER_MAX_IN_FLIGHT: '2' });
    infobip.answer(hang);
    const waiting = [send(), send()];

    expect(await send()).toEqual({ provider: 'sinch', pinId: 'sms/ID', possiblySentBy: [] });
    expect(await Promise.all(waiting)).toMatchObject([
      { provider: 'sinch', possiblySentBy: ['infobip'] },
      { provider: 'sinch', possiblySentBy: ['infobip'] },
    ]);
    expect(asked()).toEqual([2, 3]);
  });
});

/** Lets nothing in the process go on for so long. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
