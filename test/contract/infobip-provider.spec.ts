import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { hours, minutes } from '../../src/common/durations.js';
import type { OtpProvider } from '../../src/providers/otp-provider.js';
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

/** An error in the format of the 2FA API. */
const legacyError = (code: string, validationErrors?: object) => ({
  requestError: { serviceException: { messageId: code, text: 'to 41793026727', validationErrors } },
});
/** An error in the format of Infobip's newer APIs. */
const currentError = (errorCode: string, violations: object[] = []) => ({
  errorCode,
  description: '41793026727',
  violations,
});
const HTML = '<html><body>41793026727</body></html>';
/** A body that every operation would accept as a success if the status were 2xx. */
const VALID_SUCCESS = {
  ...{ pinId: 'PIN', smsStatus: 'MESSAGE_SENT' },
  ...{ verified: true, msisdn: '41793026727' },
};

/** A fatal alert, `protocol_version` (RFC 8446 §6.2). */
const TLS_PROTOCOL_VERSION_ALERT = Buffer.from([0x15, 3, 1, 0, 2, 2, 70]);

/** Upstream responses with the failure each becomes, and whether a message may have been sent. */
const FAILURES: [title: string, failure: string, script: Script, ambiguous: boolean][] = [
  ['401', 'unauthorized', reply(401, legacyError('UNAUTHORIZED')), false],
  ['403', 'unauthorized', reply(403, currentError('E403')), false],
  [
    '429 with the code of the 2FA API',
    'throttled',
    reply(429, legacyError('TOO_MANY_REQUESTS')),
    false,
  ],
  [
    '429 with the code of version 1 of the 2FA API',
    'throttled',
    reply(429, legacyError('THROTTLE_EXCEPTION')),
    false,
  ],
  ['429 in the format of the newer APIs', 'throttled', reply(429, currentError('E429')), false],
  ['400', 'rejected', reply(400, legacyError('BAD_REQUEST')), false],
  ['500', 'server_error', reply(500, legacyError('GENERAL_ERROR')), true],
  ['502 with HTML', 'server_error', reply(502, HTML, { 'content-type': 'text/html' }), true],
  ['503', 'server_error', reply(503, legacyError('SERVICE_UNAVAILABLE')), true],
  ['a 500 with the code E404', 'server_error', reply(500, currentError('E404')), true],
  ['404 from a gateway', 'rejected', reply(404, HTML, { 'content-type': 'text/html' }), false],
  [
    'a redirect',
    'invalid_response',
    reply(302, VALID_SUCCESS, { location: 'http://127.0.0.1:9/' }),
    true,
  ],
  ['200 with HTML', 'invalid_response', reply(200, HTML, { 'content-type': 'text/html' }), true],
  ['200 with garbage', 'invalid_response', reply(200, '{"pinId":'), true],
  ['200 with an empty body', 'invalid_response', reply(200, ''), true],
  ['200 with null', 'invalid_response', reply(200, 'null'), true],
  ['200 with an empty object', 'invalid_response', reply(200, {}), true],
  [
    '200 with a body over the size limit',
    'connection_lost',
    reply(200, 'x'.repeat(4 * 1024 * 1024 + 1)),
    true,
  ],
  ['no response', 'timed_out', hang, true],
  ['half a response', 'timed_out', (response) => response.write('{"pinId"'), true],
  ['a broken connection', 'connection_lost', dropConnection, true],
];

describe('InfobipProvider', () => {
  let upstream: ScriptedUpstream;
  let close: () => Promise<void>;
  let provider: OtpProvider;
  const number = phoneNumber('+41793026727');

  beforeAll(async () => {
    upstream = await startScriptedUpstream();
    ({ provider, close } = await startProvidersModule({
      INFOBIP_BASE_URL: upstream.url,
      INFOBIP_API_KEY: 'secret-key',
      INFOBIP_APP_ID: 'APP',
      INFOBIP_MESSAGE_ID: 'MSG',
      INFOBIP_MESSAGE_IDS: 'de:MSG:de',
      PROVIDER_TIMEOUT: `${scaleTimeLimit(1_000)}ms`,
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

    it('sends the documented request and returns the pinId', async () => {
      upstream.answer(reply(200, { ...sent, ncStatus: 'NC_DESTINATION_REACHABLE' }));

      expect(await send()).toEqual({ pinId: '9A41C0' });

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

    it.each([
      ['de-CH', 'MSG:de'],
      ['fr', 'MSG'],
      ['', 'MSG'],
    ])('sends the template of the locale "%s"', async (locale, messageId) => {
      upstream.answer(reply(200, sent));

      await provider.send(number, 'voice', { locale }).catch(() => undefined);

      expect(JSON.parse(upstream.requests[0]?.body ?? '')).toMatchObject({ messageId });
    });

    it('reuses its connection', async () => {
      upstream.answer(reply(200, sent));

      for (let i = 0; i < 3; i += 1) {
        // The client waits one turn of the event loop before reuse, as the server may hang up.
        await nextTurn();
        await send();
      }

      expect(new Set(upstream.requests.map(({ remotePort }) => remotePort)).size).toBe(1);
    });

    it.each(['NC_DESTINATION_NOT_REACHABLE', 'NC_NOT_REACHABLE'])(
      'reports MESSAGE_NOT_SENT with %s as an unreachable destination',
      async (ncStatus) => {
        upstream.answer(reply(200, { ...sent, smsStatus: 'MESSAGE_NOT_SENT', ncStatus }));

        expect(await catchProviderError(send())).toMatchObject({
          failure: 'destination_unreachable',
        });
      },
    );

    it('reports MESSAGE_NOT_SENT to a reachable number as a message not accepted', async () => {
      const ncStatus = 'NC_DESTINATION_REACHABLE';
      upstream.answer(reply(200, { ...sent, smsStatus: 'MESSAGE_NOT_SENT', ncStatus }));

      expect(await catchProviderError(send())).toMatchObject({
        failure: 'not_accepted',
        ambiguous: false,
      });
    });

    it.each([
      ['the older error format', legacyError('BAD_REQUEST', { to: ['must be a phone number'] })],
      [
        'the newer error format',
        currentError('E400', [{ property: 'to', violation: 'must be a number' }]),
      ],
    ])('reports a 400 about `to` in %s as an unreachable destination', async (_shape, body) => {
      upstream.answer(reply(400, body));

      expect(await catchProviderError(send())).toMatchObject({
        failure: 'destination_unreachable',
      });
    });

    it.each([legacyError('RESOURCE_NOT_FOUND'), legacyError('NOT_FOUND')])(
      'reports a 404 for the application or template as a rejected request',
      async (body) => {
        upstream.answer(reply(404, body));

        expect(await catchProviderError(send())).toMatchObject({
          failure: 'rejected',
          ambiguous: false,
        });
      },
    );

    it.each([
      ['no pinId', { smsStatus: 'MESSAGE_SENT' }],
      ['an empty pinId', { pinId: '', smsStatus: 'MESSAGE_SENT' }],
      ['no smsStatus', { pinId: '9A41C0' }],
      ['a pinId that is not a string', { pinId: 7, smsStatus: 'MESSAGE_SENT' }],
      ['a pinId that must be escaped', { pinId: 'a/b', smsStatus: 'MESSAGE_SENT' }],
      ['a pinId that means another path', { pinId: '..', smsStatus: 'MESSAGE_SENT' }],
      ['a pinId of 129 characters', { pinId: 'A'.repeat(129), smsStatus: 'MESSAGE_SENT' }],
    ])('reports a 200 with %s as an invalid response', async (_what, body) => {
      upstream.answer(reply(200, body));

      expect(await catchProviderError(send())).toMatchObject({
        failure: 'invalid_response',
        ambiguous: true,
      });
    });

    it.each(FAILURES)('reports %s as %s', async (_title, failure, script, ambiguous) => {
      upstream.answer(script);

      expect(await catchProviderError(send())).toMatchObject({ failure, ambiguous });
      expect(upstream.requests).toHaveLength(1);
    });
  });

  describe('send by voice', () => {
    it('requests a call and accepts any status of a started call', async () => {
      upstream.answer(reply(200, { pinId: 'CALL', callStatus: 'PENDING_ACCEPTED' }));

      expect(await provider.send(number, 'voice')).toEqual({ pinId: 'CALL' });
      expect(upstream.requests[0]?.path).toBe('/2fa/2/pin/voice');
    });

    it.each(['BAD_REQUEST', 'REJECTED_NOT_ENOUGH_CREDITS', 'UNDELIVERABLE_NOT_DELIVERED'])(
      'reports the call status %s as not accepted',
      async (callStatus) => {
        upstream.answer(reply(200, { pinId: 'CALL', callStatus }));

        expect(await catchProviderError(provider.send(number, 'voice'))).toMatchObject({
          failure: 'not_accepted',
        });
      },
    );

    it('reports a 200 without a call status as an invalid response', async () => {
      upstream.answer(reply(200, { pinId: 'CALL' }));

      expect(await catchProviderError(provider.send(number, 'voice'))).toMatchObject({
        failure: 'invalid_response',
      });
    });
  });

  describe('resend', () => {
    const resend = (channel: 'sms' | 'voice' = 'sms') =>
      provider.resend(number, { pinId: 'a/b' }, channel);

    it.each([
      ['sms', '/2fa/2/pin/a%2Fb/resend', { smsStatus: 'MESSAGE_SENT' }],
      ['voice', '/2fa/2/pin/a%2Fb/resend/voice', { callStatus: 'PENDING_ACCEPTED' }],
    ] as const)(
      'sends the documented request for a resend by %s',
      async (channel, path, status) => {
        upstream.answer(reply(200, { pinId: 'PIN', ...status }));

        expect(await resend(channel)).toEqual({ pinId: 'PIN' });
        expect(upstream.requests[0]).toMatchObject({ method: 'POST', path, body: '{}' });
      },
    );

    it('returns the pinId of the response, or the old one if the response has none', async () => {
      upstream.answer(reply(200, { pinId: 'NEW', smsStatus: 'MESSAGE_SENT' }));
      expect(await resend()).toEqual({ pinId: 'NEW' });

      upstream.answer(reply(200, { smsStatus: 'MESSAGE_SENT' }));
      expect(await resend()).toEqual({ pinId: 'a/b' });
    });

    it.each([7, 'a/b', '..', 'A'.repeat(129)])('rejects the pinId %j', async (pinId) => {
      upstream.answer(reply(200, { pinId, smsStatus: 'MESSAGE_SENT' }));

      expect(await catchProviderError(resend())).toMatchObject({
        code: 'provider_error',
        failure: 'invalid_response',
      });
    });

    it('reports a 404 as an unknown pin', async () => {
      upstream.answer(reply(404, currentError('E404')));

      expect(await catchProviderError(resend())).toMatchObject({
        failure: 'pin_not_found',
        ambiguous: false,
      });
    });

    it.each(FAILURES)('reports %s as %s', async (_title, failure, script, ambiguous) => {
      upstream.answer(script);

      expect(await catchProviderError(resend())).toMatchObject({ failure, ambiguous });
    });
  });

  describe('verify', () => {
    const checkResponse = {
      pinId: 'PIN',
      msisdn: '41793026727',
      verified: false,
      attemptsRemaining: 3,
    };

    it('sends the documented request, with the pinId escaped in the path', async () => {
      upstream.answer(reply(200, { ...checkResponse, verified: true, attemptsRemaining: 0 }));

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
    ])('maps a 200 with %s to %s', async (pinError, checkResult) => {
      upstream.answer(reply(200, { ...checkResponse, pinError }));

      expect(await verify()).toBe(checkResult);
    });

    it('accepts a success with NO_ERROR', async () => {
      upstream.answer(reply(200, { ...checkResponse, verified: true, pinError: 'NO_ERROR' }));

      expect(await verify()).toBe('verified');
    });

    it.each([legacyError('NOT_FOUND'), legacyError('RESOURCE_NOT_FOUND'), currentError('E404')])(
      'maps the API’s own 404 to attempts_exhausted',
      async (body) => {
        upstream.answer(reply(404, body));

        expect(await verify()).toBe('attempts_exhausted');
      },
    );

    it.each([
      ['another number', { ...checkResponse, verified: true, msisdn: '41790000000' }],
      ['no number', { verified: true }],
      ['“true”', { ...checkResponse, verified: 'true' }],
    ])('reports a success for %s as an invalid response', async (_what, body) => {
      upstream.answer(reply(200, body));

      expect(await catchProviderError(verify())).toMatchObject({ failure: 'invalid_response' });
    });

    it('never reports a 400 as an unreachable destination, because a verify sends no message', async () => {
      upstream.answer(reply(400, legacyError('BAD_REQUEST', { to: ['must be a phone number'] })));

      expect(await catchProviderError(verify())).toMatchObject({ failure: 'rejected' });
    });

    it.each(FAILURES)(
      'reports %s as %s, but a throttle as one of the number',
      async (_title, failure, script) => {
        upstream.answer(script);

        // Infobip limits verifies per number.
        expect(await catchProviderError(verify())).toMatchObject({
          failure: failure === 'throttled' ? 'number_throttled' : failure,
        });
      },
    );
  });

  describe('findVerified', () => {
    const NOW = Date.parse('2030-01-01T00:00:00Z');
    /** The message was sent a minute ago. The service's clock is the system's; Infobip's is at NOW. */
    const findVerified = () => provider.findVerified(number, 'PIN', Date.now() - minutes(1));
    const entry = (changes: object = {}) => ({
      msisdn: '41793026727',
      verified: true,
      sentAt: NOW - minutes(1),
      ...changes,
    });
    const answerList = (verifications: unknown, date = new Date(NOW).toUTCString()) => {
      upstream.answerReads(reply(200, { verifications }, { date }));
    };

    it.each([
      ['its only message was verified', 'verified', [entry()]],
      ['its only message was not verified', 'not_verified', [entry({ verified: false })]],
      ['sentAt is in seconds', 'verified', [entry({ sentAt: (NOW - minutes(1)) / 1_000 })]],
      [
        'an earlier message was verified',
        'not_verified',
        [entry({ verified: false }), entry({ sentAt: NOW - minutes(2) })],
      ],
      ['of two messages one was verified', 'unknown', [entry(), entry({ verified: false })]],
      ['another message has no time', 'unknown', [entry(), entry({ sentAt: undefined })]],
      ['the only message is to another number', 'unknown', [entry({ msisdn: '41790000000' })]],
      ['`verified` is a string', 'unknown', [entry({ verified: 'true' })]],
      ['an entry is null', 'unknown', [null]],
      ['there is no message', 'unknown', []],
      ['there are only earlier messages', 'unknown', [entry({ sentAt: NOW - minutes(2) })]],
    ])('when %s, returns %s', async (_title, result, verifications) => {
      answerList(verifications);

      expect(await findVerified()).toBe(result);
    });

    it('reads the list of a number with a thousand earlier messages', async () => {
      const sentAt = NOW - minutes(60);
      const earlier = entry({ sentAt, verifiedAt: sentAt });
      answerList([...Array.from({ length: 1_000 }, () => earlier), entry()]);

      expect(await findVerified()).toBe('verified');
    });

    it.each([
      [
        'has no list',
        () => {
          upstream.answerReads(reply(200, {}));
        },
      ],
      [
        'has no valid date',
        () => {
          answerList([entry()], 'today');
        },
      ],
    ])('reports a response that %s as invalid', async (_title, answer) => {
      answer();

      expect(await catchProviderError(findVerified())).toMatchObject({
        failure: 'invalid_response',
      });
    });

    it('keeps the number out of its errors', async () => {
      for (const [, , script] of FAILURES) {
        upstream.answerReads(script);
        const { message, stack, cause } = await catchProviderError(findVerified());
        expect(cause).toBeUndefined();
        expect(`${message}${String(stack)}`).not.toMatch(/41793026727|secret-key/);
      }
    });
  });

  it('reports a refused connection as a certainly unsent message', async () => {
    const closedUpstream = await startScriptedUpstream();
    await closedUpstream.close();
    const other = await startProvidersModule({ INFOBIP_BASE_URL: closedUpstream.url });

    const error = await catchProviderError(other.provider.send(number, 'sms'));

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
    ['never completes the TLS handshake', () => undefined, 'ETIMEDOUT'],
  ])('reports a certainly unsent message when the host %s', async (_way, script, code) => {
    const ended = new AbortController();
    const host = createServer((socket) => {
      socket.on('error', () => undefined);
      ended.signal.addEventListener('abort', () => socket.destroy());
      script(socket);
    });
    await once(host.listen(0, '127.0.0.1'), 'listening');
    const other = await startProvidersModule({
      INFOBIP_BASE_URL: `https://127.0.0.1:${(host.address() as AddressInfo).port}`,
      INFOBIP_API_KEY: 'secret-key',
      INFOBIP_APP_ID: 'APP',
      INFOBIP_MESSAGE_ID: 'MSG',
      PROVIDER_TIMEOUT: `${scaleTimeLimit(1_000)}ms`,
    });

    expect(await catchProviderError(other.provider.send(number, 'sms'))).toMatchObject({
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
  ])('reads a Retry-After of %s as a wait of %i ms', async (retryAfter, retryAfterMs) => {
    upstream.answer(reply(429, currentError('E429'), { 'retry-after': retryAfter }));

    expect(await catchProviderError(send())).toMatchObject({ retryAfterMs });
  });

  it('reads a date in Retry-After as a wait until then', async () => {
    const inAMinute = new Date(Date.now() + 60_000).toUTCString();
    upstream.answer(reply(429, currentError('E429'), { 'retry-after': inAMinute }));

    const { retryAfterMs } = await catchProviderError(send());

    expect(retryAfterMs).toBeGreaterThan(30_000);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  // Fails with the date of this machine in provider-response.ts, parseRetryAfter.
  it('reads a date in Retry-After by the date of the response, not by the clock of this machine', async () => {
    const sentAt = Date.now() + hours(2);
    upstream.answer(
      reply(429, currentError('E429'), {
        date: new Date(sentAt).toUTCString(),
        'retry-after': new Date(sentAt + 30_000).toUTCString(),
      }),
    );

    expect(await catchProviderError(send())).toMatchObject({ retryAfterMs: 30_000 });
  });

  it('keeps the request and the response out of its errors', async () => {
    for (const [, , script] of FAILURES) {
      upstream.answer(script);
      for (const call of [send, verify]) {
        const { message, stack, cause } = await catchProviderError(call());
        expect(cause).toBeUndefined();
        expect(`${message}${String(stack)}`).not.toMatch(/41793026727|407193|secret-key/);
      }
    }
  });
});
