import { minutes, seconds } from '../../src/common/durations.js';
import { InfobipCodeLengths } from '../../src/providers/infobip/infobip.code-lengths.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { FakeClock } from '../support/fake-clock.js';
import { startProviderGateway, type ProviderGateway } from '../support/model/provider-gateway.js';
import { expectProblem } from '../support/problem.js';
import { readCodes } from '../support/sandbox-calls.js';
import { startService, type RunningService } from '../support/service.js';
import { queryPostgres } from '../support/services/postgres-client.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { wrongCode } from '../support/wrong-code.js';

const NUMBER = '+14155552671';
const TOO_SHORT =
  'The code is too short: codes have 6 digits. A leading zero may be missing: send the code as a string.';
const TOO_LONG = 'The code is too long: codes have 6 digits.';

describe.each(['SQLite', 'PostgreSQL'])('The length of a code (%s)', (database) => {
  let postgres: PostgresServer | undefined;
  let databaseUrl: string | undefined;
  let clock: FakeClock;
  let sandbox: Sandbox;
  let provider: ProviderGateway;
  let service: RunningService;

  beforeAll(async () => {
    if (database === 'PostgreSQL') postgres = await startPostgres();
  });

  beforeEach(async () => {
    clock = new FakeClock();
    sandbox = await startSandbox({ port: 0, now: () => clock.now() });
    provider = await startProviderGateway(sandbox.url, clock);
    databaseUrl = await postgres?.createDatabase();
  });

  afterEach(async () => {
    await service.close();
    await provider.close();
    await sandbox.close();
  });

  afterAll(() => postgres?.stop());

  /** Makes the service read the length from the message template. */
  const readTemplate = () => service.app.get(InfobipCodeLengths).read();

  async function start(settings: NodeJS.ProcessEnv = {}): Promise<void> {
    service = await startService(
      {
        INFOBIP_BASE_URL: provider.url,
        SINCH_BASE_URL: provider.url,
        ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
        ...settings,
      },
      clock,
    );
    await readTemplate();
  }

  const callSandbox = async (method: 'POST' | 'PUT', path: string, body: object) => {
    const headers = { 'content-type': 'application/json', authorization: 'App any' };
    const init = { method, headers, body: JSON.stringify(body) };
    const response = await fetch(`${sandbox.url}${path}`, init);
    return (await response.json()) as { messageId: string };
  };
  const TEMPLATES = '/2fa/2/applications/sandbox-application/messages';
  const createTemplate = async (pinType: string, pinLength: number): Promise<string> => {
    const template = { messageText: '{{pin}}', pinType, pinLength };
    return (await callSandbox('POST', TEMPLATES, template)).messageId;
  };
  const planFault = (fault: object) => callSandbox('PUT', '/sandbox/faults', fault);

  const getCode = async (): Promise<string> => (await readCodes(sandbox.url, NUMBER))[0] ?? '';
  const send = async (fields: object = {}) => {
    const request = { phoneNumber: NUMBER, ...fields };
    const { body } = await service.http.post('/otp/send').send(request).expect(200);
    return { ...body, code: await getCode() };
  };
  const resend = async (pinId: string) => {
    clock.advance(seconds(30));
    return (await service.http.post('/otp/resend').send({ pinId }).expect(200)).body;
  };
  const verify = (request: object) => service.http.post('/otp/verify').send(request);
  const read = async (pinId: string) => (await service.http.get(`/otp/${pinId}`).expect(200)).body;
  const countChecks = () => provider.calls.filter(({ operation }) => operation === 'verify').length;

  it('is in the responses to send and resend, in their replays, and in the status', async () => {
    await start();
    const post = () =>
      service.http.post('/otp/send').set('idempotency-key', 'a').send({ phoneNumber: NUMBER });
    const sent = await post();
    const replayed = await post();
    const { pinId } = sent.body;
    const resent = await resend(pinId);

    const bodies = [sent.body, replayed.body, resent, await read(pinId)];
    expect(bodies.map(({ codeLength }) => codeLength)).toEqual([6, 6, 6, 6]);
    expect(replayed.headers['idempotency-replayed']).toBe('true');
  });

  it.each([
    ['five digits', (code: string) => code.slice(1), TOO_SHORT],
    [
      'five digits and a space',
      (code: string) => `${code.slice(1, 3)} ${code.slice(3)}`,
      TOO_SHORT,
    ],
    ['seven digits', (code: string) => `0${code}`, TOO_LONG],
  ])(
    'rejects %s without an attempt or a provider call, and does not use up the idempotency key',
    async (_what, change, detail) => {
      await start();
      const { pinId, code } = await send();
      const verifyWithKey = (otpCode: string) =>
        verify({ pinId, otpCode }).set('idempotency-key', 'one');

      const response = await verifyWithKey(change(code));

      expectProblem(response, 400, 'validation_failed');
      expect(response.body.errors).toEqual([{ pointer: '#/otpCode', detail }]);
      expect((await read(pinId)).attemptsRemaining).toBe(5);
      expect(countChecks()).toBe(0);
      await verifyWithKey(code).expect(200, { verified: true });
      expect(countChecks()).toBe(1);
    },
  );

  it('counts the digits of any script, but no spaces or hyphens', async () => {
    await start();
    const { pinId, code } = await send();
    const otpCode = `${code.slice(0, 3)} - ${code.slice(3)}`.replace(/\d/g, (digit) =>
      String.fromCodePoint(0x660 + Number(digit)),
    );

    await verify({ pinId, otpCode }).expect(200, { verified: true });
  });

  it('is checked first: a code of another length is not a wrong code of its number', async () => {
    await start({ FAILED_ATTEMPTS_PER_NUMBER_PER_HOUR: '1' });
    const { pinId, code } = await send();
    for (let i = 0; i < 7; i += 1) await verify({ pinId, otpCode: '0000000' }).expect(400);

    const { body } = await verify({ pinId, otpCode: wrongCode(code) }).expect(200);
    expect(body).toEqual({ verified: false, reason: 'wrong_code', attemptsRemaining: 4 });
    // The number has reached its limit now, but the length is still checked first.
    await verify({ pinId, otpCode: '0000000' }).expect(400);
    await verify({ pinId, otpCode: code }).expect(429);
  });

  it('is checked only if the verification accepts codes: it exists, is open and has this reference', async () => {
    await start();
    const { pinId } = await send({ reference: 'login-1' });
    const otpCode = '12345';
    const reference = 'login-1';

    expectProblem(await verify({ pinId: 'a'.repeat(22), otpCode }), 404, 'verification_not_found');
    const mismatch = { verified: false, reason: 'reference_mismatch' };
    await verify({ pinId, otpCode }).expect(200, mismatch);
    await verify({ pinId, otpCode, reference }).expect(400);
    await verify({ phoneNumber: NUMBER, otpCode, reference }).expect(400);
    clock.advance(minutes(5));
    await verify({ pinId, otpCode, reference }).expect(200, { verified: false, reason: 'expired' });
  });

  it('is that of the message template', async () => {
    await start({ INFOBIP_MESSAGE_ID: await createTemplate('NUMERIC', 4) });
    const { pinId, codeLength, code } = await send();

    const response = await verify({ pinId, otpCode: '123456' });

    expect(codeLength).toBe(4);
    expectProblem(response, 400, 'validation_failed');
    expect(response.body.errors[0].detail).toBe('The code is too long: codes have 4 digits.');
    await verify({ pinId, otpCode: code }).expect(200, { verified: true });
  });

  it('is that of the template of the language', async () => {
    await start({ INFOBIP_MESSAGE_IDS: `de:${await createTemplate('NUMERIC', 8)}` });

    expect((await send({ locale: 'de-CH' })).codeLength).toBe(8);
    clock.advance(seconds(30));
    expect((await send({ locale: 'fr' })).codeLength).toBe(6);
  });

  it('stays as it was at the send when the template is changed, and is the new one for later sends', async () => {
    const templateId = await createTemplate('NUMERIC', 4);
    await start({ INFOBIP_MESSAGE_ID: templateId });
    const first = await send();
    await callSandbox('PUT', `${TEMPLATES}/${templateId}`, { pinLength: 8 });
    await readTemplate();

    expect((await read(first.pinId)).codeLength).toBe(4);
    expect((await resend(first.pinId)).codeLength).toBe(4);
    await verify({ pinId: first.pinId, otpCode: first.code }).expect(200, { verified: true });
    clock.advance(seconds(30));
    expect((await send()).codeLength).toBe(8);
  });

  it.each([
    ['codes have letters', async () => ({ INFOBIP_MESSAGE_ID: await createTemplate('HEX', 6) })],
    [
      'a code is too short to verify',
      async () => ({ INFOBIP_MESSAGE_ID: await createTemplate('NUMERIC', 3) }),
    ],
    [
      'the template cannot be read',
      async () => {
        await planFault({ operation: 'configuration', kind: 'server-error', times: 9 });
        return {};
      },
    ],
  ])('is unknown if %s: then a code of any length is checked', async (_what, prepare) => {
    await start(await prepare());
    const { pinId, codeLength } = await send();

    const { body } = await verify({ pinId, otpCode: '12345' }).expect(200);

    expect(codeLength).toBeUndefined();
    expect(await read(pinId)).not.toHaveProperty('codeLength');
    expect(body).toEqual({ verified: false, reason: 'wrong_code', attemptsRemaining: 4 });
    expect(countChecks()).toBe(1);
  });

  it('is unknown for a code that Sinch sent, which allows one attempt', async () => {
    await start({ PROVIDERS: 'infobip,sinch' });
    await planFault({ operation: 'send', kind: 'not-sent', provider: 'infobip' });
    const { pinId, codeLength } = await send();

    expect(codeLength).toBeUndefined();
    expect(await read(pinId)).toMatchObject({ status: 'pending', attemptsRemaining: 1 });
    const { body } = await verify({ pinId, otpCode: '12345' }).expect(200);
    expect(body).toEqual({ verified: false, reason: 'attempts_exhausted' });
    expect(await read(pinId)).toMatchObject({ status: 'exhausted', attemptsRemaining: 0 });
  });

  it('is unknown once Sinch has sent another code, which allows one attempt', async () => {
    await start({ PROVIDERS: 'infobip,sinch' });
    const { pinId } = await send();
    await planFault({ operation: 'resend', kind: 'not-sent', provider: 'infobip' });
    expect(await read(pinId)).toMatchObject({ codeLength: 6, attemptsRemaining: 5 });

    const resent = await resend(pinId);

    expect(resent).not.toHaveProperty('codeLength');
    const status = await read(pinId);
    expect(status).not.toHaveProperty('codeLength');
    expect(status.attemptsRemaining).toBe(1);
    const code = await getCode();
    expect(code).toMatch(/^\d{4}$/);
    await verify({ pinId, otpCode: code }).expect(200, { verified: true });
  });

  it('is known once Infobip has sent another code in place of Sinch', async () => {
    await start({ PROVIDERS: 'sinch,infobip' });
    const { pinId } = await send();
    await planFault({ operation: 'send', kind: 'not-sent', provider: 'sinch' });

    expect((await resend(pinId)).codeLength).toBe(6);

    expect(await read(pinId)).toMatchObject({ codeLength: 6, attemptsRemaining: 5 });
    await verify({ pinId, otpCode: '1234' }).expect(400);
    await verify({ pinId, otpCode: await getCode() }).expect(200, { verified: true });
  });

  if (database === 'PostgreSQL') {
    it('is unknown after a replica of the previous release resent by another provider', async () => {
      await start({ PROVIDERS: 'infobip,sinch' });
      const { pinId } = await send();
      // The previous release does not update the columns of the code length.
      await queryPostgres(databaseUrl ?? '', "update verifications set provider = 'sinch'");

      expect(await read(pinId)).not.toHaveProperty('codeLength');
      await verify({ pinId, otpCode: '1234' }).expect(200);
    });
  }
});
