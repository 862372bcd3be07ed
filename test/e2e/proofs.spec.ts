import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { createOtpClient } from '../../client/src/index.js';
import { hours, seconds } from '../../src/common/durations.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { FakeClock } from '../support/fake-clock.js';
import { startOtlpCollector } from '../support/otlp-collector.js';
import { expectProblem } from '../support/problem.js';
import { newProofKey, readClaims, toKeySet } from '../support/proof-keys.js';
import { startScriptedUpstream } from '../support/scripted-upstream.js';
import { callSandbox, readCodes } from '../support/sandbox-calls.js';
import { startSandboxedService, startService, type RunningService } from '../support/service.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { wrongCode } from '../support/wrong-code.js';

const NUMBER = '+14155552671';
const TEST_NUMBER = '+15550001111';
const ISSUER = 'https://otp.example.com';
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const KEYS_PATH = '/.well-known/jwks.json';

const [key, olderKey] = [newProofKey('new'), newProofKey('old')];
const SETTINGS = { PROOF_KEYS: toKeySet(key, olderKey), PROOF_ISSUER: ISSUER };

describe.each(['SQLite', 'PostgreSQL'] as const)('A proof (%s)', (database) => {
  let postgres: PostgresServer | undefined;
  let clock: FakeClock;
  let sandbox: Sandbox;
  let service: RunningService;

  beforeAll(async () => {
    if (database === 'PostgreSQL') postgres = await startPostgres();
  });

  beforeEach(async () => {
    clock = new FakeClock();
    sandbox = await startSandbox({ port: 0, now: () => clock.now() });
    service = await start({});
  });

  afterEach(async () => {
    await service.close();
    await sandbox.close();
  });

  afterAll(() => postgres?.stop());

  const start = async (settings: NodeJS.ProcessEnv): Promise<RunningService> =>
    startService(
      {
        PROVIDERS: 'infobip,sinch',
        INFOBIP_BASE_URL: sandbox.url,
        SINCH_BASE_URL: sandbox.url,
        TEST_NUMBERS: `${TEST_NUMBER}:123456`,
        ...(postgres && { DATABASE_URL: await postgres.createDatabase() }),
        ...SETTINGS,
        ...settings,
      },
      clock,
    );

  async function send(body: object = {}): Promise<{ pinId: string; otpCode: string }> {
    const sent = await service.http
      .post('/otp/send')
      .send({ phoneNumber: NUMBER, ...body })
      .expect(200);
    const [otpCode = ''] = await readCodes(sandbox.url, NUMBER);
    return { pinId: sent.body.pinId, otpCode };
  }

  const verify = (body: object, idempotencyKey?: string) => {
    const request = service.http.post('/otp/verify');
    return (
      idempotencyKey === undefined ? request : request.set('idempotency-key', idempotencyKey)
    ).send({ proofFor: 'orders', ...body });
  };

  const planFault = (operation: 'verify' | 'status', fault: object) =>
    callSandbox(sandbox.url, 'PUT', 'faults', { operation, ...fault });
  const loseAnswer = () => planFault('verify', { kind: 'drop', performed: true });
  /** Makes the next status call fail, so that the service cannot read whether the code was verified. */
  const hideStatus = () => planFault('status', { kind: 'server-error' });

  it('states the number, the verification, the channel and the reference, for five minutes', async () => {
    const reference = 'order-4711';
    const { pinId, otpCode } = await send({ reference });
    clock.advance(seconds(20));
    const { body } = await verify({ pinId, otpCode, reference }).expect(200);

    const { payload, protectedHeader } = await jwtVerify(
      body.proof,
      createLocalJWKSet((await service.http.get(KEYS_PATH)).body),
      { currentDate: clock.toDate(clock.now()) },
    );
    const now = clock.now() / seconds(1);
    expect(body).toEqual({ verified: true, proof: expect.stringMatching(TOKEN) });
    expect(protectedHeader).toEqual({ alg: 'EdDSA', kid: 'new', typ: 'JWT' });
    expect(payload).toEqual({
      iss: ISSUER,
      aud: 'orders',
      sub: pinId,
      phone_number: NUMBER,
      phone_number_verified: true,
      amr: ['sms'],
      reference_hash: createHash('sha256').update(reference).digest('base64url'),
      iat: now,
      exp: now + 300,
      jti: expect.stringMatching(/^[\w-]{22}$/),
    });
  });

  it.each([
    ['voice', 'tel'],
    ['whatsapp', 'mca'],
  ])('of a code by %s has the method %s', async (channel, method) => {
    const { proof } = (await verify(await send({ channel }))).body;

    expect(readClaims(proof)).toMatchObject({ amr: [method] });
    expect(readClaims(proof)).not.toHaveProperty('reference_hash');
  });

  it('of a test number has test: true, and names no method', async () => {
    const { pinId } = await send({ phoneNumber: TEST_NUMBER });
    const { proof } = (await verify({ pinId, otpCode: '123456' })).body;

    expect(readClaims(proof)).toMatchObject({ phone_number: TEST_NUMBER, test: true });
    expect(readClaims(proof)).not.toHaveProperty('amr');
  });

  it('has the time of the wall clock, though the clock of the service was set back', async () => {
    clock.moveWallClock(-hours(1));
    const { proof } = (await verify(await send())).body;

    expect(readClaims(proof)['iat']).toBe(clock.toDate(clock.now()).getTime() / seconds(1));
  });

  it('is given only with the right code, and only to a request that asks for it', async () => {
    const { pinId, otpCode } = await send();

    const wrong = await verify({ pinId, otpCode: wrongCode(otpCode) });
    expect(wrong.body).toEqual({ verified: false, reason: 'wrong_code', attemptsRemaining: 4 });
    await service.http.post('/otp/verify').send({ pinId, otpCode }).expect(200, { verified: true });
    const late = await verify({ pinId, otpCode });
    expect(late.body).toEqual({ verified: false, reason: 'already_verified' });
  });

  it('is the original one in a replay, even after it has expired', async () => {
    const request = await send();
    const first = await verify(request, 'key').expect(200);
    clock.advance(hours(23));

    const replay = await verify(request, 'key').expect(200);

    expect(first.body.proof).toMatch(TOKEN);
    expect(replay.text).toBe(first.text);
    expect(replay.headers['idempotency-replayed']).toBe('true');
  });

  it('is not replayed for another proofFor with the same idempotency key', async () => {
    const request = await send();
    await verify(request, 'key').expect(200);

    for (const proofFor of ['billing', undefined]) {
      const response = await verify({ ...request, proofFor }, 'key');
      expectProblem(response, 422, 'idempotency_key_reused');
    }
  });

  it('is given even if the answer of the provider to the right code was lost', async () => {
    const request = await send();
    await loseAnswer();
    const { body } = await verify(request).expect(200);

    expect(readClaims(body.proof)).toMatchObject({ sub: request.pinId, aud: 'orders' });
  });

  it('is given to a repeat if the first answer of the provider was lost, and then replayed', async () => {
    const request = await send();
    await loseAnswer();
    await hideStatus();
    await verify(request, 'right').expect(502);
    await verify(request).expect(200, { verified: false, reason: 'already_verified' });
    clock.advance(seconds(7));

    const { body, text } = await verify(request, 'right').expect(200);

    expect(readClaims(body.proof)).toMatchObject({ iat: clock.now() / seconds(1) });
    expect((await verify(request, 'right')).text).toBe(text);
  });

  it('is issued once for two hundred concurrent verify requests, though the provider accepts every check', async () => {
    const provider = await startScriptedUpstream();
    provider.answer((response: ServerResponse) => {
      const { body = '{}', path = '' } = provider.requests.at(-1) ?? {};
      const { to } = JSON.parse(body) as { to?: string };
      const answer = path.endsWith('/verify')
        ? { msisdn: NUMBER.slice(1), verified: true }
        : { pinId: 'PIN', to, smsStatus: 'MESSAGE_SENT' };
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
    });
    await service.close();
    service = await start({
      INFOBIP_BASE_URL: provider.url,
      PROVIDERS: 'infobip',
      OTP_MAX_ATTEMPTS: '10',
      THROTTLE_VERIFY_LIMIT: '1000',
    });
    const { pinId } = await send();
    const verifyAll = () =>
      Promise.all(
        Array.from({ length: 200 }, async (_, i) => {
          const { body } = await verify({ pinId, otpCode: '407193' }, `key-${i}`).expect(200);
          return body;
        }),
      );
    const bodies = await verifyAll();
    const replays = await verifyAll();

    const checks = provider.requests.filter(({ path }) => path.endsWith('/verify'));
    const proven = bodies.filter((body) => 'proof' in body);
    expect(checks.length).toBeGreaterThan(1);
    expect(proven).toEqual([{ verified: true, proof: expect.stringMatching(TOKEN) }]);
    expect(replays.filter((body) => 'proof' in body)).toEqual(proven);
    expect(replays.filter(({ verified }) => verified)).toEqual(proven);
    await provider.close();
  });
});

describe('Proofs', () => {
  const startAndSend = async (settings: NodeJS.ProcessEnv) => {
    const service = await startSandboxedService(settings);
    const { pinId } = (await service.http.post('/otp/send').send({ phoneNumber: NUMBER })).body;
    const [otpCode = ''] = await service.getReceivedCodes(NUMBER);
    return { service, pinId: String(pinId), otpCode };
  };

  it('have public keys without their private parts, which others may cache for five minutes', async () => {
    const service = await startSandboxedService({
      ...SETTINGS,
      API_KEYS: `shop:${'0'.repeat(64)}`,
    });
    const { headers, body, text } = await service.http.get(KEYS_PATH).expect(200);
    const { headers: headHeaders } = await service.http.head(KEYS_PATH).expect(200);
    await service.close();

    const common = { kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig' };
    expect(body).toEqual({
      keys: [key, olderKey].map(({ x, kid }) => ({ ...common, x, kid })),
    });
    for (const { d } of [key, olderKey]) expect(text).not.toContain(d);
    for (const each of [headers, headHeaders]) {
      expect(each).toMatchObject({
        'content-type': 'application/jwk-set+json',
        'cache-control': 'public, max-age=300',
      });
    }
  });

  it('do not exist without PROOF_KEYS: 400 for a request, 404 for the keys', async () => {
    const { service, pinId, otpCode } = await startAndSend({});
    const verify = (body: object) =>
      service.http.post('/otp/verify').send({ pinId, otpCode, ...body });
    const rejected = await verify({ proofFor: 'orders' });
    const keys = await service.http.get(KEYS_PATH);

    expectProblem(rejected, 400, 'validation_failed');
    expect(rejected.body.errors).toEqual([
      {
        pointer: '#/proofFor',
        detail: 'This service issues no proofs, because it has no PROOF_KEYS. Leave the field out.',
      },
    ]);
    expectProblem(keys, 404, 'not_found');
    expect(keys.headers['cache-control']).toBe('no-store');
    await verify({}).expect(200, { verified: true });
    await service.close();
  });

  it.each(['', 'x'.repeat(129), 'orders\ud800', 4711, null, ['orders']])(
    'need a well-formed proofFor of 1 to 128 characters: %j is rejected',
    async (proofFor) => {
      const { service, pinId, otpCode } = await startAndSend(SETTINGS);
      const response = await service.http.post('/otp/verify').send({ pinId, otpCode, proofFor });
      await service.close();

      expectProblem(response, 400, 'validation_failed');
      expect(response.body.errors).toMatchObject([{ pointer: '#/proofFor' }]);
    },
  );

  it('are returned by the TypeScript client', async () => {
    const { service, pinId, otpCode } = await startAndSend(SETTINGS);
    const client = createOtpClient({ url: service.url });
    const result = await client.verify({ pinId, otpCode, proofFor: 'orders' });
    await service.close();

    if (!result.verified) throw new Error(result.reason);
    expect(readClaims(result.proof ?? '')).toMatchObject({ sub: pinId, aud: 'orders' });
  });

  it('appear in no log, metric or trace, and neither do their keys', async () => {
    const collector = await startOtlpCollector();
    const { service, pinId, otpCode } = await startAndSend({
      ...SETTINGS,
      LOG_LEVEL: 'trace',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    });
    const verify = (body: object) =>
      service.http
        .post('/otp/verify')
        .set('idempotency-key', 'key')
        .send({ pinId, otpCode, proofFor: 'orders', ...body });
    const { proof } = (await verify({})).body as { proof: string };
    await verify({}).expect(200);
    await verify({ proofFor: proof }).expect(400);
    await verify({ [proof]: proof }).expect(400);
    await service.http.get(`/otp/${proof}`).expect(404);
    await service.http.post(`/${proof}`).expect(404);
    const metrics = (await service.http.get('/metrics')).text;
    await service.close();
    await collector.close();

    const output = service.log.text + metrics + collector.text;
    expect(output).toContain('/otp/verify');
    for (const secret of [...proof.split('.').slice(1), key.d, olderKey.d]) {
      expect(output).not.toContain(secret);
    }
  });
});
