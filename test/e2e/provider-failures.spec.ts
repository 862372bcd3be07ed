import type { ServerResponse } from 'node:http';
import { expectProblem } from '../support/problem.js';
import {
  hang,
  hangUp,
  reply,
  startScriptedUpstream,
  type Script,
} from '../support/scripted-upstream.js';
import type { ScriptedUpstream } from '../support/scripted-upstream.js';
import { startService, type RunningService } from '../support/service.js';
import { scaled } from '../support/time-scale.js';

const NUMBER = '+14155552671';
const TEST_NUMBER = '+15550001111';
const sent = reply(200, { pinId: 'VENDOR-PIN', smsStatus: 'MESSAGE_SENT' });
const notReachable = reply(200, {
  pinId: 'VENDOR-PIN',
  smsStatus: 'MESSAGE_NOT_SENT',
  ncStatus: 'NC_DESTINATION_NOT_REACHABLE',
});
const judged = (verified: boolean) => reply(200, { verified, msisdn: NUMBER.slice(1) });

/** A provider that fails, what the caller hears, and whether it may ask again at once. */
const FAILURES: [title: string, script: Script, status: number, code: string, freed: boolean][] = [
  ['refuses our key', reply(401, {}), 502, 'provider_error', true],
  [
    'keeps the text back',
    reply(200, { smsStatus: 'MESSAGE_NOT_SENT' }),
    502,
    'provider_error',
    true,
  ],
  ['throttles us', reply(429, {}), 503, 'provider_unavailable', true],
  ['cannot reach the number', notReachable, 422, 'destination_unreachable', true],
  ['breaks', reply(500, 'to 14155552671'), 502, 'provider_error', false],
  ['answers with garbage', reply(200, '<html>14155552671'), 502, 'provider_error', false],
  ['hangs up', hangUp, 502, 'provider_error', false],
  ['hangs', hang, 504, 'provider_timeout', false],
];

describe('When the provider', () => {
  let upstream: ScriptedUpstream;
  let service: RunningService;

  beforeEach(async () => {
    upstream = await startScriptedUpstream();
    service = await startService({
      INFOBIP_BASE_URL: upstream.url,
      INFOBIP_API_KEY: 'secret-key',
      PROVIDER_TIMEOUT: `${scaled(250)}ms`,
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

  describe.each(FAILURES)('%s', (_title, script, status, code, freed) => {
    it(`send answers ${String(status)}, and the number ${freed ? 'is free again' : 'keeps its cooldown'}`, async () => {
      upstream.answer(script);
      expectProblem(await send(), status, code);

      upstream.answer(sent);
      expect((await send()).status).toBe(freed ? 200 : 429);
      expect(upstream.requests).toHaveLength(freed ? 2 : 1);
    });

    it('neither the caller nor the log hears a number, a code, a key or the vendor’s text', async () => {
      upstream.answer(script);
      const { text } = await send();

      const said = `${text}${service.log.text}`.replace(/"(requestId|time)":"[^"]*"/g, '');
      expect(said).not.toMatch(/4155552671|407193|secret-key|VENDOR-PIN|<html>/);
    });
  });

  it('never judged a code, the attempt is given back', async () => {
    upstream.answer(sent);
    const { pinId } = (await send()).body;
    upstream.answer(reply(503, {}));
    expectProblem(await verify(pinId), 502, 'provider_error');

    upstream.answer(judged(true));
    await verify(pinId).expect(200, { verified: true });
  });

  it('wants to be left alone, it is: callers hear at once when to ask again', async () => {
    upstream.answer(reply(429, {}, { 'retry-after': '30' }));
    for (let i = 0; i < 5; i += 1) await sendTo(`+1415555260${i}`).expect(503);
    upstream.requests.length = 0;

    const refused = [
      await sendTo('+14155552610'),
      await sendTo('+14155552611').set('idempotency-key', 'k'),
    ];
    for (const response of refused) {
      expectProblem(response, 503, 'provider_unavailable');
      expect(Number(response.headers['retry-after'])).toBeGreaterThan(1);
    }
    expect(upstream.requests).toEqual([]);
    expect(service.log.text).toContain('infobip send: circuit open');
    await sendTo(TEST_NUMBER).expect(200);
  });

  it('wants fewer verifies of one number, its callers hear when to ask again, and others are judged', async () => {
    upstream.answer(sent);
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
    upstream.answer(judged(true));
    await verify(pinId).expect(200, { verified: true });
  });

  it('has no place for more calls, the service says so', async () => {
    await service.close();
    service = await startService({
      INFOBIP_BASE_URL: upstream.url,
      PROVIDER_MAX_IN_FLIGHT: '2',
      THROTTLE_SEND_LIMIT: '1000',
    });
    const waiting: ServerResponse[] = [];
    const bothWait = new Promise<void>((resolve) => {
      upstream.answer((response) => {
        if (waiting.push(response) === 2) resolve();
      });
    });
    const taken = Promise.all([sendTo('+14155552601'), sendTo('+14155552602')]);
    await bothWait;

    const [shed, shedKeyed] = [
      await sendTo('+14155552603'),
      await sendTo('+14155552603').set('idempotency-key', 'k'),
    ];
    expectProblem(shed, 503, 'overloaded');
    expectProblem(shedKeyed, 503, 'overloaded');
    expect(shed.body.type).toMatch(/#temporary-reduced-capacity$/);
    waiting.forEach(sent);
    expect((await taken).map(({ status }) => status)).toEqual([200, 200]);
    upstream.answer(sent);
    await sendTo('+14155552603').set('idempotency-key', 'k').expect(200);
  });

  it('says yes after the code has expired, nothing verifies', async () => {
    upstream.answer(sent);
    const { pinId } = (await send()).body;
    upstream.answer((response) => {
      service.clock.advance(10 * 60_000);
      judged(true)(response);
    });

    const { body } = await verify(pinId).expect(200);

    expect(body).toEqual({ verified: false, reason: 'expired' });
  });

  it('says yes to everyone, one caller of a hundred hears it', async () => {
    await service.close();
    service = await startService({ INFOBIP_BASE_URL: upstream.url, OTP_MAX_ATTEMPTS: '10' });
    upstream.answer(sent);
    const { pinId } = (await send()).body;
    const asked: ServerResponse[] = [];
    upstream.answer((response) => {
      asked.push(response);
      if (asked.length === 10) asked.forEach(judged(true));
    });

    const answers = await Promise.all(Array.from({ length: 100 }, () => verify(pinId)));

    expect(answers.filter(({ body }) => body.verified === true)).toHaveLength(1);
    expect(upstream.requests).toHaveLength(1 + 10);
  });

  it('says a final no to one of two racing callers, the other’s yes still counts', async () => {
    upstream.answer(sent);
    await service.close();
    service = await startService({ INFOBIP_BASE_URL: upstream.url, INFOBIP_API_KEY: 'k' });
    const { pinId } = (await send()).body;
    let answerFirst: () => void = () => undefined;
    const firstArrived = new Promise<void>((resolve) => {
      upstream.answer((response) => {
        answerFirst = () => {
          judged(true)(response);
        };
        resolve();
      });
    });

    const first = verify(pinId).then(({ body }) => body);
    await firstArrived;
    upstream.answer(reply(404, { errorCode: 'E404' }));
    const second = (await verify(pinId)).body;
    answerFirst();

    expect(second).toEqual({ verified: false, reason: 'attempts_exhausted' });
    expect(await first).toEqual({ verified: true });
  });

  it('fails, the log names the failure and the request', async () => {
    upstream.answer(reply(401, {}));
    const { requestId } = (await send()).body;

    expect(service.log.events('request failed')).toMatchObject([
      { requestId, code: 'provider_error', err: { message: 'unauthorized (401)' } },
    ]);
  });
});
