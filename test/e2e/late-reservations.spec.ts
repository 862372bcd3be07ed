import { seconds } from '../../src/common/durations.js';
import { startLossyProxy, type LossyProxy } from '../support/lossy-proxy.js';
import { expectProblem } from '../support/problem.js';
import { callSandbox } from '../support/sandbox-calls.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';
import { queryPostgres } from '../support/services/postgres-client.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { wrongCode } from '../support/wrong-code.js';

const NUMBER = '+14155552671';
const KEY = { 'idempotency-key': 'key' };
/** A stored send or wrong code has 21 characters. */
const COUNTS = `select length(sends) / 21, length(failures) / 21,
  (select sum(attempts) from verifications), (select sum(texts) from verifications),
  (select sum(texts) from traffic where subject like 'client:%') from client_numbers`;

/*
 * A write may wait in a lost connection while the service repeats it on another one. These tests fail if
 * `connect` in postgres-pool.ts does not end the sessions of lost connections.
 */
describe('When a request is counted again after a lost connection', () => {
  let postgres: PostgresServer;
  let url: string;
  let proxy: LossyProxy;
  let service: SandboxedService;

  beforeAll(async () => {
    postgres = await startPostgres();
  });

  beforeEach(async () => {
    url = await postgres.createDatabase();
    proxy = await startLossyProxy(url);
    service = await startSandboxedService({ DATABASE_URL: proxy.url });
  });

  afterEach(async () => {
    await service.close();
    await proxy.close();
  });

  afterAll(() => postgres.stop());

  const send = (headers = {}) =>
    service.http.post('/otp/send').set(headers).send({ phoneNumber: NUMBER });
  const planFault = (operation: string, kind: string) =>
    callSandbox(service.sandboxUrl, 'PUT', 'faults', { operation, kind });
  /** `sends of the number|its wrong codes|attempts|messages|messages of the client` */
  const readCounts = () => queryPostgres(url, COUNTS);

  it('counts a wrong code once, if its first count arrives last', async () => {
    const { pinId } = (await send()).body as { pinId: string };
    const [code = ''] = await service.getReceivedCodes(NUMBER);
    const verify = (headers = {}) =>
      service.http
        .post('/otp/verify')
        .set(headers)
        .send({ pinId, otpCode: wrongCode(code) });

    const deliver = proxy.holdRequest('reserveAttempt');
    const rejected = await verify(KEY);
    await deliver();

    expect(rejected.body).toEqual({ verified: false, reason: 'wrong_code', attemptsRemaining: 4 });
    expect(await readCounts()).toBe('1|1|1|1|1');
    expect((await verify(KEY)).body).toEqual(rejected.body);
    expect((await verify()).body.attemptsRemaining).toBe(3);
  });

  it('counts no code that the provider did not check, if its first count arrives last', async () => {
    const { pinId } = (await send()).body as { pinId: string };
    const [otpCode] = await service.getReceivedCodes(NUMBER);
    const verify = () => service.http.post('/otp/verify').set(KEY).send({ pinId, otpCode });
    await planFault('verify', 'throttled');

    const deliver = proxy.holdRequest('reserveAttempt');
    expectProblem(await verify(), 503, 'provider_unavailable');
    await deliver();

    expect(await readCounts()).toBe('1|0|0|1|1');
    await verify().expect(200, { verified: true });
  });

  it('counts a message once, if its first count arrives last', async () => {
    const deliver = proxy.holdRequest('reserveSend');
    const sent = await send(KEY).expect(200);
    // The server has ended the session, or it rejects the second verification with the same id.
    await deliver().catch(() => undefined);

    expect(await readCounts()).toBe('1|0|0|1|1');
    expect((await send(KEY).expect(200)).body).toEqual(sent.body);
    expect(await service.getReceivedCodes(NUMBER)).toHaveLength(1);
  });

  it('counts no message that was not sent, if its first count arrives last', async () => {
    await planFault('send', 'throttled');

    const deliver = proxy.holdRequest('reserveSend');
    expectProblem(await send(KEY), 503, 'provider_unavailable');
    await deliver();

    expect(await readCounts()).toBe('0|0|||0');
    await send(KEY).expect(200);
    expect(await readCounts()).toBe('1|0|0|1|1');
  });

  describe('for a resend', () => {
    let pinId: string;

    beforeEach(async () => {
      ({ pinId } = (await send()).body as { pinId: string });
      service.clock.advance(seconds(30));
    });

    const resend = (headers = {}) => service.http.post('/otp/resend').set(headers).send({ pinId });

    it.each([{}, KEY])('counts it once if its first commit arrives last (%j)', async (headers) => {
      const deliver = proxy.holdRequest('commit', 'addResend');
      await resend(headers).expect(200);
      await deliver();

      expect(await readCounts()).toBe('2|0|0|2|2');
      expect(await service.getReceivedCodes(NUMBER)).toHaveLength(2);
    });

    it('answers a repeat with the same idempotency key', async () => {
      const deliver = proxy.holdRequest('commit', 'addResend');
      const resent = await resend(KEY).expect(200);
      await deliver();

      expect((await resend(KEY).expect(200)).body).toEqual(resent.body);
      expect(await service.getReceivedCodes(NUMBER)).toHaveLength(2);
    });
  });
});
