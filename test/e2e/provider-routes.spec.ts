import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seconds } from '../../src/common/durations.js';
import { expectProblem } from '../support/problem.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';
import { startService, type RunningService } from '../support/service.js';

const SWISS = '+41793026727';
const AMERICAN = '+14155552671';
const SATELLITE = '+870773111632';
/** A magic number of the sandbox: Infobip rejects messages to it, and Sinch accepts them. */
const FAILS_AT_INFOBIP = '+12125550192';

describe('PROVIDER_ROUTES', () => {
  let sandbox: TestSandbox;
  let service: RunningService;
  let dataDir: string;

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'otp-routes-'));
    sandbox = await startTestSandbox();
  });

  afterEach(async () => {
    await service.close();
    await sandbox.close();
    rmSync(dataDir, { recursive: true });
  });

  async function start(settings: NodeJS.ProcessEnv): Promise<void> {
    const urls = { INFOBIP_BASE_URL: sandbox.url, SINCH_BASE_URL: sandbox.url };
    const defaults = { PROVIDERS: 'infobip,sinch', DATA_DIR: dataDir };
    service = await startService({ ...urls, ...defaults, ...settings }, sandbox.clock);
  }

  async function restart(settings: NodeJS.ProcessEnv): Promise<void> {
    await service.close();
    await start(settings);
  }

  const send = (phoneNumber: string, channel = 'sms') =>
    service.http.post('/otp/send').send({ phoneNumber, channel });

  const resend = (pinId: string, channel = 'sms') => {
    service.clock.advance(seconds(30));
    return service.http.post('/otp/resend').send({ pinId, channel });
  };

  /** The provider of each message to a number, newest first. */
  const readProviders = async (phoneNumber: string): Promise<string[]> =>
    (await sandbox.listMessages(phoneNumber)).map(({ provider }) => provider);

  it('sends by the providers of the country, and elsewhere by those of PROVIDERS', async () => {
    await start({
      PROVIDER_ROUTES: 'CH:sinch+infobip,001:sinch',
      ALLOWED_COUNTRIES: '*,001',
    });
    for (const number of [SWISS, AMERICAN, SATELLITE]) await send(number).expect(200);

    expect(await readProviders(SWISS)).toEqual(['sinch']);
    expect(await readProviders(AMERICAN)).toEqual(['infobip']);
    expect(await readProviders(SATELLITE)).toEqual(['sinch']);
  });

  it('fails over within the providers of the country only', async () => {
    await start({});
    await send(FAILS_AT_INFOBIP).expect(200);
    service.clock.advance(seconds(30));

    await restart({ PROVIDER_ROUTES: 'US:infobip' });
    expectProblem(await send(FAILS_AT_INFOBIP), 502, 'provider_error');
    service.clock.advance(seconds(30));
    expect(await readProviders(FAILS_AT_INFOBIP)).toEqual(['sinch']);

    await restart({ PROVIDERS: 'sinch,infobip', PROVIDER_ROUTES: 'US:infobip+sinch' });
    await send(FAILS_AT_INFOBIP).expect(200);
    expect(await readProviders(FAILS_AT_INFOBIP)).toEqual(['sinch', 'sinch']);
  });

  it('rejects a send by a channel that no provider of the country has', async () => {
    await start({ PROVIDER_ROUTES: 'CH:infobip' });
    const response = await send(SWISS, 'whatsapp');

    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors).toEqual([
      { pointer: '#/channel', detail: expect.stringContaining('Give one of: sms, voice.') },
    ]);
    expect(await readProviders(SWISS)).toEqual([]);
    await send(AMERICAN, 'whatsapp').expect(200);
  });

  // This test fails if assertResendAllowed in otp.service.ts does not check the channel.
  it('rejects a resend by a channel that no provider of the country has, and does not count it', async () => {
    await start({ PROVIDER_ROUTES: 'CH:infobip', SENDS_PER_NUMBER_PER_DAY: '2' });
    const { body } = await send(SWISS).expect(200);
    for (let i = 0; i < 3; i += 1) {
      const response = await resend(body.pinId, 'whatsapp');
      expectProblem(response, 400, 'validation_failed');
      expect(response.body.errors[0].pointer).toBe('#/channel');
    }

    await resend(body.pinId).expect(200);
    expect(await readProviders(SWISS)).toEqual(['infobip', 'infobip']);
  });

  it('resends by the provider that generated the code, even if the route no longer has it', async () => {
    await start({});
    const { body } = await send(SWISS).expect(200);

    await restart({ PROVIDER_ROUTES: 'CH:sinch' });
    await resend(body.pinId).expect(200);
    const [resent, sent] = await sandbox.listMessages(SWISS);
    expect([resent?.provider, resent?.pin]).toEqual(['infobip', sent?.pin]);
  });

  describe('and the flood filter of Infobip', () => {
    const limits = {
      SEND_COOLDOWN: '1s',
      SENDS_PER_NUMBER_PER_DAY: '100',
      THROTTLE_SEND_LIMIT: '1000',
    };

    /** The statuses of 21 sends: the filter passes on 20 messages an hour. */
    async function sendOften(phoneNumber: string): Promise<Set<number>> {
      const statuses = new Set<number>();
      for (let i = 0; i < 21; i += 1) {
        statuses.add((await send(phoneNumber)).status);
        service.clock.advance(seconds(1));
      }
      return statuses;
    }

    it('limit sends only to countries whose route has Infobip', async () => {
      await start({ PROVIDER_ROUTES: 'US:sinch', ...limits });

      expect(await sendOften(AMERICAN)).toEqual(new Set([200]));
      expect(await sendOften(SWISS)).toEqual(new Set([200, 429]));
    });

    // This test fails if getResendFilters in provider-router.ts does not add the filter of the
    // provider that generated the code.
    it('limit resends of a code of Infobip, even if the route no longer has Infobip', async () => {
      await start(limits);
      const { body } = await send(SWISS).expect(200);

      await restart({ PROVIDER_ROUTES: 'CH:sinch', ...limits });
      const codes: (string | undefined)[] = [];
      for (let i = 0; i < 7; i += 1) codes.push((await resend(body.pinId)).body.code);
      expect(codes).toContain('resend_limit_reached');
      // The filter lets the same code through six times.
      expect(await readProviders(SWISS)).toHaveLength(6);
    });
  });
});
