import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { OtpProvider } from '../../src/providers/otp-provider.js';
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

const older = (messageId: string, validationErrors?: object) => ({
  requestError: { serviceException: { messageId, text: 'to 41793026727', validationErrors } },
});
const newer = (errorCode: string, violations: object[] = []) => ({
  errorCode,
  description: '41793026727',
  violations,
});
const HTML = '<html><body>41793026727</body></html>';
/** With a 2xx, any call would take it for a success. */
const BELIEVABLE = {
  ...{ pinId: 'PIN', smsStatus: 'MESSAGE_SENT' },
  ...{ verified: true, msisdn: '41793026727' },
};

/** A fatal alert, `protocol_version` (RFC 8446 §6.2). */
const TLS_PROTOCOL_VERSION_ALERT = Buffer.from([0x15, 3, 1, 0, 2, 2, 70]);

/** What any call may meet: how it is answered, the kind it becomes, whether a text may be out. */
const FAILURES: [title: string, script: Script, failure: string, ambiguous: boolean][] = [
  ['401', reply(401, older('UNAUTHORIZED')), 'unauthorized', false],
  ['403', reply(403, newer('E403')), 'unauthorized', false],
  ['429 as v2 says it', reply(429, older('TOO_MANY_REQUESTS')), 'throttled', false],
  ['429 as v1 says it', reply(429, older('THROTTLE_EXCEPTION')), 'throttled', false],
  ['429 as the platform says it', reply(429, newer('E429')), 'throttled', false],
  ['400', reply(400, older('BAD_REQUEST')), 'rejected', false],
  ['500', reply(500, older('GENERAL_ERROR')), 'server_error', true],
  ['502 with HTML', reply(502, HTML, { 'content-type': 'text/html' }), 'server_error', true],
  ['503', reply(503, older('SERVICE_UNAVAILABLE')), 'server_error', true],
  ['a 500 that says E404', reply(500, newer('E404')), 'server_error', true],
  ['404 from a gateway', reply(404, HTML, { 'content-type': 'text/html' }), 'rejected', false],
  [
    'a redirect',
    reply(302, BELIEVABLE, { location: 'http://127.0.0.1:9/' }),
    'invalid_response',
    true,
  ],
  ['200 with HTML', reply(200, HTML, { 'content-type': 'text/html' }), 'invalid_response', true],
  ['200 with garbage', reply(200, '{"pinId":'), 'invalid_response', true],
  ['200 with nothing', reply(200, ''), 'invalid_response', true],
  ['200 with null', reply(200, 'null'), 'invalid_response', true],
  ['200 with an empty object', reply(200, {}), 'invalid_response', true],
  ['200 without end', reply(200, 'x'.repeat(100_000)), 'connection_lost', true],
  ['no answer', hang, 'timed_out', true],
  ['half an answer', (response) => response.write('{"pinId"'), 'timed_out', true],
  ['a broken connection', hangUp, 'connection_lost', true],
];

describe('InfobipProvider', () => {
  let upstream: ScriptedUpstream;
  let close: () => Promise<void>;
  let provider: OtpProvider;
  const number = phoneNumber('+41793026727');

  beforeAll(async () => {
    upstream = await startScriptedUpstream();
    ({ provider, close } = await startProvider({
      INFOBIP_BASE_URL: upstream.url,
      INFOBIP_API_KEY: 'secret-key',
      INFOBIP_APP_ID: 'APP',
      INFOBIP_MESSAGE_ID: 'MSG',
      PROVIDER_TIMEOUT: `${scaled(1_000)}ms`,
    }));
  });

  afterAll(async () => {
    await close();
    await upstream.close();
  });

  beforeEach(() => {
    upstream.requests.length = 0;
  });

  const send = () => provider.send(number, 'sms');
  const verify = () => provider.verify(number, 'PIN', '407193');

  describe('send', () => {
    const sent = { pinId: '9A41C0', to: '41793026727', smsStatus: 'MESSAGE_SENT' };

    it('asks as the contract says, and answers with the pin id', async () => {
      upstream.answer(reply(200, { ...sent, ncStatus: 'NC_DESTINATION_REACHABLE' }));

      expect(await send()).toBe('9A41C0');

      const [request] = upstream.requests;
      expect(request).toMatchObject({ method: 'POST', path: '/2fa/2/pin?ncNeeded=true' });
      expect(request?.headers).toMatchObject({
        authorization: 'App secret-key',
        'content-type': 'application/json',
        accept: 'application/json',
      });
      expect(JSON.parse(request?.body ?? '')).toEqual({
        applicationId: 'APP',
        messageId: 'MSG',
        to: '41793026727',
      });
    });

    it('uses its connection again', async () => {
      upstream.answer(reply(200, sent));

      for (let i = 0; i < 3; i += 1) {
        // Before it does, the client lets a turn of the event loop pass, in which the server may hang up.
        await turn();
        await send();
      }

      expect(new Set(upstream.requests.map(({ remotePort }) => remotePort)).size).toBe(1);
    });

    it.each(['NC_DESTINATION_NOT_REACHABLE', 'NC_NOT_REACHABLE'])(
      'takes MESSAGE_NOT_SENT with %s for the number’s own fault',
      async (ncStatus) => {
        upstream.answer(reply(200, { ...sent, smsStatus: 'MESSAGE_NOT_SENT', ncStatus }));

        expect(await failureOf(send())).toMatchObject({ failure: 'destination_unreachable' });
      },
    );

    it('takes MESSAGE_NOT_SENT to a reachable number for a failed send', async () => {
      const ncStatus = 'NC_DESTINATION_REACHABLE';
      upstream.answer(reply(200, { ...sent, smsStatus: 'MESSAGE_NOT_SENT', ncStatus }));

      expect(await failureOf(send())).toMatchObject({ failure: 'not_accepted', ambiguous: false });
    });

    it.each([
      ['the older shape', older('BAD_REQUEST', { to: ['must be a phone number'] })],
      ['the newer shape', newer('E400', [{ property: 'to', violation: 'must be a number' }])],
    ])('takes a 400 about `to` in %s for the number’s own fault', async (_shape, body) => {
      upstream.answer(reply(400, body));

      expect(await failureOf(send())).toMatchObject({ failure: 'destination_unreachable' });
    });

    it.each([older('RESOURCE_NOT_FOUND'), older('NOT_FOUND')])(
      'takes a 404 for a wrong application or template',
      async (body) => {
        upstream.answer(reply(404, body));

        expect(await failureOf(send())).toMatchObject({ failure: 'rejected', ambiguous: false });
      },
    );

    it.each([
      ['no pinId', { smsStatus: 'MESSAGE_SENT' }],
      ['an empty pinId', { pinId: '', smsStatus: 'MESSAGE_SENT' }],
      ['no smsStatus', { pinId: '9A41C0' }],
      ['a pinId that is no text', { pinId: 7, smsStatus: 'MESSAGE_SENT' }],
    ])('does not believe a 200 with %s', async (_what, body) => {
      upstream.answer(reply(200, body));

      expect(await failureOf(send())).toMatchObject({
        failure: 'invalid_response',
        ambiguous: true,
      });
    });

    it.each(FAILURES)('turns %s into a failure', async (_title, script, failure, ambiguous) => {
      upstream.answer(script);

      expect(await failureOf(send())).toMatchObject({ failure, ambiguous });
      expect(upstream.requests).toHaveLength(1);
    });
  });

  describe('send by voice', () => {
    it('asks for a call, and takes any status of one for a start', async () => {
      upstream.answer(reply(200, { pinId: 'CALL', callStatus: 'PENDING_ACCEPTED' }));

      expect(await provider.send(number, 'voice')).toBe('CALL');
      expect(upstream.requests[0]?.path).toBe('/2fa/2/pin/voice');
    });

    it.each(['BAD_REQUEST', 'REJECTED_NOT_ENOUGH_CREDITS', 'UNDELIVERABLE_NOT_DELIVERED'])(
      'takes %s for a call that will not be',
      async (callStatus) => {
        upstream.answer(reply(200, { pinId: 'CALL', callStatus }));

        expect(await failureOf(provider.send(number, 'voice'))).toMatchObject({
          failure: 'not_accepted',
        });
      },
    );

    it('does not believe a 200 without a status', async () => {
      upstream.answer(reply(200, { pinId: 'CALL' }));

      expect(await failureOf(provider.send(number, 'voice'))).toMatchObject({
        failure: 'invalid_response',
      });
    });
  });

  describe('resend', () => {
    const resend = (channel: 'sms' | 'voice' = 'sms') => provider.resend(number, 'a/b', channel);

    it.each([
      ['sms', '/2fa/2/pin/a%2Fb/resend', { smsStatus: 'MESSAGE_SENT' }],
      ['voice', '/2fa/2/pin/a%2Fb/resend/voice', { callStatus: 'PENDING_ACCEPTED' }],
    ] as const)('by %s asks as the contract says', async (channel, path, status) => {
      upstream.answer(reply(200, { pinId: 'a/b', ...status }));

      expect(await resend(channel)).toBe('a/b');
      expect(upstream.requests[0]).toMatchObject({ method: 'POST', path, body: '{}' });
    });

    it('answers with the pin id of the answer, or with the old one if there is none', async () => {
      upstream.answer(reply(200, { pinId: 'NEW', smsStatus: 'MESSAGE_SENT' }));
      expect(await resend()).toBe('NEW');

      upstream.answer(reply(200, { smsStatus: 'MESSAGE_SENT' }));
      expect(await resend()).toBe('a/b');
    });

    it('knows when there is nothing to send again', async () => {
      upstream.answer(reply(404, newer('E404')));

      expect(await failureOf(resend())).toMatchObject({
        failure: 'pin_not_found',
        ambiguous: false,
      });
    });

    it.each(FAILURES)('turns %s into a failure', async (_title, script, failure, ambiguous) => {
      upstream.answer(script);

      expect(await failureOf(resend())).toMatchObject({ failure, ambiguous });
    });
  });

  describe('verify', () => {
    const judged = { pinId: 'PIN', msisdn: '41793026727', verified: false, attemptsRemaining: 3 };

    it('asks as the contract says', async () => {
      upstream.answer(reply(200, { ...judged, verified: true, attemptsRemaining: 0 }));

      expect(await provider.verify(number, 'a/../b?c', '407193')).toBe('verified');

      const [request] = upstream.requests;
      expect(request).toMatchObject({
        method: 'POST',
        path: '/2fa/2/pin/a%2F..%2Fb%3Fc/verify',
        body: '{"pin":"407193"}',
      });
    });

    it.each([
      ['WRONG_PIN', 'wrong_code'],
      ['TTL_EXPIRED', 'expired'],
      ['NO_MORE_PIN_ATTEMPTS', 'attempts_exhausted'],
      ['SOMETHING_NEW', 'wrong_code'],
    ])('reads 200 with %s as %s', async (pinError, verdict) => {
      upstream.answer(reply(200, { ...judged, pinError }));

      expect(await verify()).toBe(verdict);
    });

    it('tolerates NO_ERROR on success', async () => {
      upstream.answer(reply(200, { ...judged, verified: true, pinError: 'NO_ERROR' }));

      expect(await verify()).toBe('verified');
    });

    it.each([older('NOT_FOUND'), older('RESOURCE_NOT_FOUND'), newer('E404')])(
      'reads the API’s own 404 as its final no',
      async (body) => {
        upstream.answer(reply(404, body));

        expect(await verify()).toBe('attempts_exhausted');
      },
    );

    it.each([
      ['another number', { ...judged, verified: true, msisdn: '41790000000' }],
      ['no number', { verified: true }],
      ['“true”', { ...judged, verified: 'true' }],
    ])('does not believe a success for %s', async (_what, body) => {
      upstream.answer(reply(200, body));

      expect(await failureOf(verify())).toMatchObject({ failure: 'invalid_response' });
    });

    it.each(FAILURES)('turns %s into a failure', async (_title, script, failure) => {
      upstream.answer(script);

      // Its limit is the number's.
      expect(await failureOf(verify())).toMatchObject({
        failure: failure === 'throttled' ? 'number_throttled' : failure,
      });
    });
  });

  it('knows that a refused connection asked nothing', async () => {
    const gone = await startScriptedUpstream();
    await gone.close();
    const other = await startProvider({ INFOBIP_BASE_URL: gone.url });

    const error = await failureOf(other.provider.send(number, 'sms'));

    expect(error).toMatchObject({
      failure: 'connection_failed',
      ambiguous: false,
      message: 'connection_failed (ECONNREFUSED)',
    });
    await other.close();
  });

  it.each<[way: string, script: (socket: Socket) => void, code: string]>([
    ['closes the connection at once', (socket) => socket.destroy(), 'ECONNRESET'],
    [
      'breaks off the TLS handshake',
      (socket) => socket.once('data', () => socket.resetAndDestroy()),
      'ECONNRESET',
    ],
    [
      'refuses the TLS version',
      (socket) => socket.once('data', () => socket.end(TLS_PROTOCOL_VERSION_ALERT)),
      'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    ],
    [
      'speaks plain HTTP',
      (socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
      'ERR_SSL_WRONG_VERSION_NUMBER',
    ],
    ['never shakes hands', () => undefined, 'ETIMEDOUT'],
  ])('knows that a host that %s was asked nothing', async (_way, script, code) => {
    const ended = new AbortController();
    const host = createServer((socket) => {
      socket.on('error', () => undefined);
      ended.signal.addEventListener('abort', () => socket.destroy());
      script(socket);
    });
    await once(host.listen(0, '127.0.0.1'), 'listening');
    const other = await startProvider({
      INFOBIP_BASE_URL: `https://127.0.0.1:${(host.address() as AddressInfo).port}`,
      INFOBIP_API_KEY: 'secret-key',
      INFOBIP_APP_ID: 'APP',
      INFOBIP_MESSAGE_ID: 'MSG',
      PROVIDER_TIMEOUT: `${scaled(1_000)}ms`,
    });

    expect(await failureOf(other.provider.send(number, 'sms'))).toMatchObject({
      failure: 'connection_failed',
      ambiguous: false,
      message: `connection_failed (${code})`,
    });

    ended.abort();
    host.close();
    await other.close();
  });

  it.each([
    ['7', 7_000],
    ['999999', 3_600_000],
    ['Fri, 31 Dec 9999 23:59:59 GMT', 3_600_000],
    ['Fri, 31 Dec 1999 23:59:59 GMT', 0],
    ['soon', 5_000],
    ['soon GMT', 5_000],
  ])('waits as long as Retry-After %s says, within reason', async (retryAfter, retryAfterMs) => {
    upstream.answer(reply(429, newer('E429'), { 'retry-after': retryAfter }));

    expect(await failureOf(send())).toMatchObject({ retryAfterMs });
  });

  it('waits until the time that Retry-After names', async () => {
    const inAMinute = new Date(Date.now() + 60_000).toUTCString();
    upstream.answer(reply(429, newer('E429'), { 'retry-after': inAMinute }));

    const { retryAfterMs } = await failureOf(send());

    expect(retryAfterMs).toBeGreaterThan(30_000);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  it('lets nothing of the request or the answer into its errors', async () => {
    for (const [, script] of FAILURES) {
      upstream.answer(script);
      for (const call of [send, verify]) {
        const { message, stack, cause } = await failureOf(call());
        expect(cause).toBeUndefined();
        expect(`${message}${String(stack)}`).not.toMatch(/41793026727|407193|secret-key/);
      }
    }
  });
});
