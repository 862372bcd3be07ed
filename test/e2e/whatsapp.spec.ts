import { seconds } from '../../src/common/durations.js';
import { expectProblem } from '../support/problem.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';
import {
  reply,
  startScriptedUpstream,
  type ScriptedUpstream,
} from '../support/scripted-upstream.js';
import { startService, type RunningService } from '../support/service.js';

const NUMBER = '+41793026727';

describe('A code by WhatsApp', () => {
  let sandbox: TestSandbox;
  let service: RunningService;

  beforeEach(async () => {
    sandbox = await startTestSandbox();
  });

  afterEach(async () => {
    await service.close();
    await sandbox.close();
  });

  async function start(settings: NodeJS.ProcessEnv): Promise<void> {
    const urls = { INFOBIP_BASE_URL: sandbox.url, SINCH_BASE_URL: sandbox.url };
    service = await startService({ ...urls, ...settings }, sandbox.clock);
  }

  const send = (channel: string, body: object = {}) =>
    service.http.post('/otp/send').send({ phoneNumber: NUMBER, channel, ...body });

  const resend = (pinId: string, channel: string) => {
    service.clock.advance(seconds(30));
    return service.http.post('/otp/resend').send({ pinId, channel });
  };

  const verifyNewest = async (pinId: string) => {
    const [message] = await sandbox.listMessages(NUMBER);
    return (await service.http.post('/otp/verify').send({ pinId, otpCode: message?.pin })).body;
  };

  /** Provider and channel of each message, newest first. */
  const readMessages = async () =>
    (await sandbox.listMessages(NUMBER)).map(({ provider, channel }) => `${provider} ${channel}`);

  it('is sent by Sinch, also if Infobip comes first, and can be verified', async () => {
    await start({ PROVIDERS: 'infobip,sinch' });

    const { body } = await send('whatsapp').expect(200);

    expect(body.channel).toBe('whatsapp');
    expect(await readMessages()).toEqual(['sinch whatsapp']);
    expect(await verifyNewest(body.pinId)).toEqual({ verified: true });
    const status = (await service.http.get(`/otp/${body.pinId}`)).body;
    expect(status).toMatchObject({ status: 'verified', channel: 'whatsapp' });
  });

  it('is in the language of locale', async () => {
    await start({ PROVIDERS: 'sinch' });

    await send('whatsapp', { locale: 'fr-CA' }).expect(200);

    const [message] = await sandbox.listMessages(NUMBER);
    expect(message?.text).toBe(`Votre code est ${message?.pin ?? ''}`);
  });

  it('is resent by Sinch after an SMS of Infobip, and by SMS after WhatsApp, each time as a new code', async () => {
    await start({ PROVIDERS: 'infobip,sinch' });
    const { pinId } = (await send('sms').expect(200)).body;

    const { body } = await resend(pinId, 'whatsapp').expect(200);
    expect(body).toMatchObject({ pinId, channel: 'whatsapp' });
    await resend(pinId, 'sms').expect(200);

    expect(await readMessages()).toEqual(['sinch sms', 'sinch whatsapp', 'infobip sms']);
    const providerPinIds = (await sandbox.listMessages(NUMBER)).map(({ pinId: id }) => id);
    expect(new Set(providerPinIds).size).toBe(3);
    expect(await verifyNewest(pinId)).toEqual({ verified: true });
  });

  it('is not sent to a number type that is blocked for WhatsApp', async () => {
    await start({ PROVIDERS: 'sinch', BLOCKED_NUMBER_TYPES: 'whatsapp:MOBILE' });

    expectProblem(await send('whatsapp'), 403, 'destination_not_allowed');
    const { pinId } = (await send('sms').expect(200)).body;
    expectProblem(await resend(pinId, 'whatsapp'), 403, 'destination_not_allowed');

    expect(await readMessages()).toEqual(['sinch sms']);
  });

  it('does not stop SMS by Sinch if it fails because the account has no WhatsApp', async () => {
    await start({ PROVIDERS: 'sinch' });
    const fault = { operation: 'send', provider: 'sinch', kind: 'forbidden', times: 50 };
    await sandbox.callControl('put', 'faults', fault).expect(200);

    for (let index = 0; index < 5; index += 1) {
      expectProblem(await send('whatsapp'), 502, 'provider_error');
    }

    // On a slow machine the next send may be the circuit's probe, which fails too.
    let calls = 5;
    let response = await send('whatsapp');
    for (; response.status === 502; calls += 1) response = await send('whatsapp');
    expectProblem(response, 503, 'provider_unavailable');
    await sandbox.callControl('delete', 'faults').expect(204);
    await send('sms').expect(200);
    expect(service.log.text).toContain('sinch send by whatsapp: circuit open');
    expect(service.log.text).not.toContain('sinch send by sms: circuit');
    const { text } = await service.http.get('/metrics');
    const state = (channel: string) =>
      `otp_provider_circuit_state{provider="sinch",operation="send",channel="${channel}",state="open"}`;
    expect(text).toContain(`${state('whatsapp')} 1\n`);
    expect(text).toContain(`${state('sms')} 0\n`);
    expect(text).toMatch(
      new RegExp(`calls_total{.*channel="whatsapp",outcome="unauthorized"} ${calls}\\n`),
    );
  });

  describe('with Infobip', () => {
    let infobip: ScriptedUpstream;

    beforeEach(async () => {
      infobip = await startScriptedUpstream();
    });

    afterEach(() => infobip.close());

    const startWithInfobip = (providers: string) =>
      start({
        PROVIDERS: providers,
        INFOBIP_BASE_URL: infobip.url,
        INFOBIP_API_KEY: 'key',
        INFOBIP_APP_ID: 'APP',
        INFOBIP_MESSAGE_ID: 'MSG',
      });

    it.each(['infobip,sinch', 'sinch,infobip'])(
      'does not fail over to Infobip, with PROVIDERS=%s',
      async (providers) => {
        await startWithInfobip(providers);
        const fault = { operation: 'send', provider: 'sinch', kind: 'unavailable', times: 9 };
        await sandbox.callControl('put', 'faults', fault).expect(200);

        expectProblem(await send('whatsapp'), 502, 'provider_error');

        expect(infobip.requests).toEqual([]);
        expect(service.log.text).toContain('sinch send by whatsapp: server_error');
        expect(service.log.text).not.toContain('infobip send');
        expect(await readMessages()).toEqual([]);
      },
    );

    it('is not requested from Infobip, even in a resend of a code that Infobip sent', async () => {
      await startWithInfobip('infobip,sinch');
      infobip.answer(reply(200, { pinId: 'PIN', smsStatus: 'MESSAGE_SENT' }));
      const { pinId } = (await send('sms').expect(200)).body;

      await resend(pinId, 'whatsapp').expect(200);

      expect(infobip.requests.map(({ path }) => path)).toEqual(['/2fa/2/pin?ncNeeded=true']);
      expect(await readMessages()).toEqual(['sinch whatsapp']);
    });

    it('is rejected with the pointer #/channel if no provider has WhatsApp, without a call, and not counted', async () => {
      await startWithInfobip('infobip');
      infobip.answer(reply(200, { pinId: 'PIN', smsStatus: 'MESSAGE_SENT' }));

      const rejected = [await send('whatsapp')];
      const { pinId } = (await send('sms').expect(200)).body;
      rejected.push(await resend(pinId, 'whatsapp'));

      for (const response of rejected) {
        expectProblem(response, 400, 'validation_failed');
        expect(response.body.errors).toEqual([
          {
            pointer: '#/channel',
            detail:
              'No provider of this service sends by whatsapp to this number. Give one of: sms, voice.',
          },
        ]);
      }
      expect(infobip.requests.map(({ path }) => path)).toEqual(['/2fa/2/pin?ncNeeded=true']);
      await service.http.post('/otp/resend').send({ pinId }).expect(200);
    });
  });
});
