import type { ServerResponse } from 'node:http';
import { expectProblem } from '../support/problem.js';
import {
  hang,
  dropConnection,
  reply,
  startScriptedUpstream,
  type Script,
  type ScriptedUpstream,
} from '../support/scripted-upstream.js';
import { startService, type RunningService } from '../support/service.js';
import { scaleTimeLimit } from '../support/time-scale.js';

const NUMBER = '+14155552671';
const TEST_NUMBER = '+15550001111';
const messageSent = reply(200, { pinId: 'PROVIDER-PIN', smsStatus: 'MESSAGE_SENT' });
const numberUnreachable = reply(200, {
  pinId: 'PROVIDER-PIN',
  smsStatus: 'MESSAGE_NOT_SENT',
  ncStatus: 'NC_DESTINATION_NOT_REACHABLE',
});
/** Infobip's response if it no longer knows a message, or if the message has no attempts left. */
const pinNotFound = reply(404, { errorCode: 'E404' });
const codeChecked = (verified: boolean) => reply(200, { verified, msisdn: NUMBER.slice(1) });

/** The response for each failure, and whether the next send to the number may follow at once. */
const FAILURES: [
  title: string,
  script: Script,
  status: number,
  code: string,
  canSendAgain: boolean,
][] = [
  ['rejects the API key', reply(401, {}), 502, 'provider_error', true],
  [
    'does not send the message',
    reply(200, { smsStatus: 'MESSAGE_NOT_SENT' }),
    502,
    'provider_error',
    true,
  ],
  ['limits the request rate', reply(429, {}), 503, 'provider_unavailable', true],
  ['cannot reach the number', numberUnreachable, 422, 'destination_unreachable', false],
  ['answers 500', reply(500, 'to 14155552671'), 502, 'provider_error', false],
  ['answers without JSON', reply(200, '<html>14155552671'), 502, 'provider_error', false],
  ['closes the connection', dropConnection, 502, 'provider_error', false],
  ['does not answer', hang, 504, 'provider_timeout', false],
];

describe('When the provider', () => {
  let upstream: ScriptedUpstream;
  let service: RunningService;

  beforeEach(async () => {
    upstream = await startScriptedUpstream();
    service = await startService({
      INFOBIP_BASE_URL: upstream.url,
      INFOBIP_API_KEY: 'secret-key',
      PROVIDER_TIMEOUT: `${scaleTimeLimit(1_000)}ms`,
      OTP_MAX_ATTEMPTS: '1',
      TEST_NUMBERS: `${TEST_NUMBER}:123456`,
    });
  });

  afterEach(async () => {
    await service.close();
    await upstream.close();
  });

  const sendTo = (phoneNumber: string) => service.http.post('/otp/send').send({ phoneNumber });
  const send = () => sendTo(NUMBER);
  const verify = (pinId: string) =>
    service.http.post('/otp/verify').send({ pinId, otpCode: '407193' });

  describe.each(FAILURES)('%s', (_title, script, status, code, canSendAgain) => {
    it(`a send returns ${String(status)}, and the number ${canSendAgain ? 'has no cooldown' : 'keeps its cooldown'}`, async () => {
      upstream.answer(script);
      expectProblem(await send(), status, code);

      upstream.answer(messageSent);
      expect((await send()).status).toBe(canSendAgain ? 200 : 429);
      expect(upstream.requests).toHaveLength(canSendAgain ? 2 : 1);
    });

    it('neither the response nor the log contains a number, code, key or text of the provider', async () => {
      upstream.answer(script);
      const { text } = await send();

      const output = `${text}${service.log.text}`.replace(/"(requestId|time)":"[^"]*"/g, '');
      expect(output).not.toMatch(/4155552671|407193|secret-key|PROVIDER-PIN|<html>/);
    });
  });

  it('fails a call, the log has a warning unless the failure concerns one number', async () => {
    upstream.answer(messageSent);
    const { pinId } = (await sendTo('+14155552602')).body;
    upstream.answer(numberUnreachable);
    await send().expect(422);
    service.clock.advance(60_000);
    upstream.answer(pinNotFound);
    await service.http.post('/otp/resend').send({ pinId }).expect(409);
    expect(service.log.text).not.toMatch(/infobip (send|resend)/);

    upstream.answer(reply(401, {}));
    await send().expect(502);
    expect(service.log.text).toContain('infobip send');
  });

  it('did not check a code, the attempt does not count', async () => {
    upstream.answer(messageSent);
    const { pinId } = (await send()).body;
    upstream.answer(reply(401, {}));
    expectProblem(await verify(pinId), 502, 'provider_error');

    upstream.answer(codeChecked(true));
    await verify(pinId).expect(200, { verified: true });
  });

  it('asks for a pause, the service stops calling it and returns 503 with Retry-After at once', async () => {
    upstream.answer(reply(429, {}, { 'retry-after': '30' }));
    for (let i = 0; i < 5; i += 1) await sendTo(`+1415555260${i}`).expect(503);
    upstream.requests.length = 0;

    const rejected = [
      await sendTo('+14155552610'),
      await sendTo('+14155552611').set('idempotency-key', 'k'),
    ];
    for (const response of rejected) {
      expectProblem(response, 503, 'provider_unavailable');
      expect(Number(response.headers['retry-after'])).toBeGreaterThan(1);
    }
    expect(upstream.requests).toEqual([]);
    expect(service.log.text).toContain('infobip send by sms: circuit open');
    await sendTo(TEST_NUMBER).expect(200);
  });

  it('limits the checks of one number, its code gets 503 with Retry-After and codes of other numbers are checked', async () => {
    upstream.answer(messageSent);
    const { pinId } = (await send()).body;
    const other = (await sendTo('+14155552602')).body;
    upstream.answer(reply(429, {}, { 'retry-after': '3' }));
    for (let i = 0; i < 5; i += 1) {
      const limited = await verify(pinId);
      expectProblem(limited, 503, 'provider_unavailable');
      expect(limited.headers['retry-after']).toBe('3');
    }

    upstream.answer(reply(200, { verified: true, msisdn: '14155552602' }));
    await verify(other.pinId).expect(200, { verified: true });
    upstream.answer(codeChecked(true));
    await verify(pinId).expect(200, { verified: true });
  });

  it('has PROVIDER_MAX_IN_FLIGHT calls in flight, another send returns 503 overloaded', async () => {
    await service.close();
    service = await startService({
      INFOBIP_BASE_URL: upstream.url,
      PROVIDER_MAX_IN_FLIGHT: '2',
      THROTTLE_SEND_LIMIT: '1000',
    });
    const waiting: ServerResponse[] = [];
    const bothArrived = new Promise<void>((resolve) => {
      upstream.answer((response) => {
        if (waiting.push(response) === 2) resolve();
      });
    });
    const accepted = Promise.all([sendTo('+14155552601'), sendTo('+14155552602')]);
    await bothArrived;

    const [rejected, rejectedWithKey] = [
      await sendTo('+14155552603'),
      await sendTo('+14155552603').set('idempotency-key', 'k'),
    ];
    expectProblem(rejected, 503, 'overloaded');
    expectProblem(rejectedWithKey, 503, 'overloaded');
    expect(rejected.body.type).toMatch(/#temporary-reduced-capacity$/);
    waiting.forEach(messageSent);
    expect((await accepted).map(({ status }) => status)).toEqual([200, 200]);
    upstream.answer(messageSent);
    await sendTo('+14155552603').set('idempotency-key', 'k').expect(200);
  });

  it('accepts a code after its expiry, the code is still rejected as expired', async () => {
    upstream.answer(messageSent);
    const { pinId } = (await send()).body;
    upstream.answer((response) => {
      service.clock.advance(10 * 60_000);
      codeChecked(true)(response);
    });

    const { body } = await verify(pinId).expect(200);

    expect(body).toEqual({ verified: false, reason: 'expired' });
  });

  it('accepts a code in ten concurrent calls, exactly one of a hundred verify requests succeeds', async () => {
    await service.close();
    service = await startService({ INFOBIP_BASE_URL: upstream.url, OTP_MAX_ATTEMPTS: '10' });
    upstream.answer(messageSent);
    const { pinId } = (await send()).body;
    const pending: ServerResponse[] = [];
    upstream.answer((response) => {
      pending.push(response);
      if (pending.length === 10) pending.forEach(codeChecked(true));
    });

    const responses = await Promise.all(Array.from({ length: 100 }, () => verify(pinId)));

    expect(responses.filter(({ body }) => body.verified === true)).toHaveLength(1);
    expect(upstream.requests).toHaveLength(1 + 10);
  });

  it('reports no attempts left for one of two concurrent codes and accepts the other, the number is verified', async () => {
    upstream.answer(messageSent);
    await service.close();
    service = await startService({ INFOBIP_BASE_URL: upstream.url, INFOBIP_API_KEY: 'k' });
    const { pinId } = (await send()).body;
    let answerFirst: () => void = () => undefined;
    const firstArrived = new Promise<void>((resolve) => {
      upstream.answer((response) => {
        answerFirst = () => {
          codeChecked(true)(response);
        };
        resolve();
      });
    });

    const first = verify(pinId).then(({ body }) => body);
    await firstArrived;
    upstream.answer(pinNotFound);
    const second = (await verify(pinId)).body;
    answerFirst();

    expect(second).toEqual({ verified: false, reason: 'attempts_exhausted' });
    expect(await first).toEqual({ verified: true });
  });

  it('fails, the log has the error and the request id', async () => {
    upstream.answer(reply(401, {}));
    const { requestId } = (await send()).body;

    expect(service.log.events('request failed')).toMatchObject([
      { requestId, code: 'provider_error', err: { message: 'unauthorized (401)' } },
    ]);
  });
});
