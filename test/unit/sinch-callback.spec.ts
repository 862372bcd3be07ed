import { minutes } from '../../src/common/durations.js';
import { findCallbackRefusal } from '../../src/providers/sinch/sinch.callback-signature.js';
import { SinchCallbackReader } from '../../src/providers/sinch/sinch.callback.js';
import { providersConfig } from '../../src/config/providers.config.js';
import { reportsConfig } from '../../src/config/reports.config.js';
import { testEnvironment } from '../support/config.js';

/** A test vector: a made-up account, a callback, and its signatures by content type. */
const APPLICATION = {
  applicationKey: '11111111-2222-4333-8444-555555555555',
  applicationSecret: 'Y29udHJhY3QtZG9jLWV4YW1wbGU=',
};
const TIMESTAMP = '2030-01-02T03:04:05.0000000Z';
const NOW = Date.parse('2030-01-02T03:04:05Z');
const PATH = '/webhooks/sinch/verification';
const BODY =
  '{"id":"018f-demo","event":"VerificationSmsDeliveredEvent","method":"sms","identity":{"type":"number","endpoint":"+46700000000"},"smsResult":"Successful","reference":"signup-7f3a"}';
const SIGNATURES = {
  'application/json': 'Gjt9hXdC7R816ahFeayqHIkoubm7A0uqtQjr6cic8SQ=',
  'application/json; charset=utf-8': 'YYbm8seYahY6yy1HPDiw0XxGewmOLmHGl+C6OT+KLq0=',
};

const headersFor = (contentType: keyof typeof SIGNATURES) => ({
  authorization: `Application ${APPLICATION.applicationKey}:${SIGNATURES[contentType]}`,
  'x-timestamp': TIMESTAMP,
  'content-type': contentType,
});
const refusal = (
  changes: object = {},
  body = BODY,
  path = PATH,
  now = NOW,
  applications = [APPLICATION],
) =>
  findCallbackRefusal(
    { headers: { ...headersFor('application/json'), ...changes }, body: Buffer.from(body), path },
    applications,
    now,
  );

describe('The signature of a callback of Sinch', () => {
  it.each(Object.keys(SIGNATURES) as (keyof typeof SIGNATURES)[])(
    'is right for the content type %s',
    (contentType) => {
      expect(refusal(headersFor(contentType))).toBeUndefined();
    },
  );

  it('may name its scheme in any case', () => {
    const { authorization } = headersFor('application/json');

    expect(refusal({ authorization: authorization.replace('Application', 'APPLICATION') })).toBe(
      undefined,
    );
  });

  it.each([
    ['no authorization', { authorization: undefined }],
    ['another key', { authorization: `Application other:${SIGNATURES['application/json']}` }],
    ['a key without signature', { authorization: `Application ${APPLICATION.applicationKey}` }],
    ['an empty signature', { authorization: `Application ${APPLICATION.applicationKey}:` }],
    [
      'key and secret as Basic',
      {
        authorization: `Basic ${Buffer.from(Object.values(APPLICATION).join(':')).toString('base64')}`,
      },
    ],
    ['another content type', { 'content-type': 'application/json; charset=utf-8' }],
    ['no content type', { 'content-type': undefined }],
    ['no timestamp', { 'x-timestamp': undefined }],
    ['another timestamp', { 'x-timestamp': '2030-01-02T03:04:06.0000000Z' }],
    ['two timestamps', { 'x-timestamp': `${TIMESTAMP}, ${TIMESTAMP}` }],
    ['an invalid timestamp', { 'x-timestamp': 'now' }],
  ])('is wrong with %s', (_what, headers) => {
    expect(refusal(headers)).toBe('signature');
  });

  it('covers the body and the public path', () => {
    expect(refusal({}, `${BODY} `)).toBe('signature');
    expect(refusal({}, '')).toBe('signature');
    expect(refusal({}, BODY, '/webhooks/sinch')).toBe('signature');
  });

  it('may be of each application, but not with the secret of another one', () => {
    const otherSecret = { ...APPLICATION, applicationSecret: 'YW5vdGhlciBzZWNyZXQ=' };
    const otherKey = { ...APPLICATION, applicationKey: '66666666-2222-4333-8444-555555555555' };
    const check = (...applications: (typeof APPLICATION)[]) =>
      refusal({}, BODY, PATH, NOW, applications);

    expect(check(otherSecret, APPLICATION)).toBeUndefined();
    expect(check(otherKey, APPLICATION)).toBeUndefined();
    expect(check(otherKey, otherSecret)).toBe('signature');
  });

  it('is stale if its timestamp is more than five minutes before or after now', () => {
    const limit = minutes(5);

    expect(refusal({}, BODY, PATH, NOW + limit)).toBeUndefined();
    expect(refusal({}, BODY, PATH, NOW - limit)).toBeUndefined();
    expect(refusal({}, BODY, PATH, NOW + limit + 1)).toBe('stale');
    expect(refusal({}, BODY, PATH, NOW - limit - 1)).toBe('stale');
  });
});

describe('A callback of Sinch', () => {
  const env = testEnvironment({
    PROVIDERS: 'sinch',
    SINCH_REPORTS: 'true',
    PUBLIC_URL: 'https://auth.example.test',
  });
  const reader = new SinchCallbackReader(reportsConfig(env), providersConfig(env));
  const parse = (callback: unknown) => reader.parse(Buffer.from(JSON.stringify(callback)));
  const statusOf = (callback: object) => {
    const parsed = parse({ id: '018f-demo', method: 'sms', ...callback });
    expect(parsed).toMatchObject({ type: 'reports', malformed: 0 });
    return parsed?.reports[0]?.status;
  };

  it.each([
    ['Successful', 'delivered'],
    ['SUCCESSFUL', 'delivered'],
    ['Failed', 'unreachable'],
    ['Queued', 'unknown'],
    [undefined, 'unknown'],
  ])('with the SMS result %s means %s', (smsResult, expected) => {
    expect(statusOf({ event: 'VerificationSmsDeliveredEvent', smsResult })).toBe(expected);
  });

  it.each([
    ['SUCCESSFUL', undefined, 'delivered'],
    ['ERROR', 'SMS delivery failure', 'unreachable'],
    ['ERROR', 'Network error or number unreachable', 'unreachable'],
    ['ERROR', 'Internal error', 'unknown'],
    ['Error', undefined, 'unknown'],
    ['DENIED', 'Fraud', 'blocked'],
    ['DENIED', 'blocked', 'blocked'],
    ['DENIED', 'Not enough credit', 'no_credit'],
    ['DENIED', 'Destination denied', 'rejected'],
    ['DENIED', 'Denied by callback', 'rejected'],
    ['DENIED', 'Invalid callback', 'rejected'],
    ['DENIED', undefined, 'rejected'],
    ['FAIL', 'Invalid code', undefined],
    ['FAIL', 'Expired', undefined],
    ['ABORTED', undefined, undefined],
    ['PENDING', undefined, undefined],
    ['NEW_STATUS', undefined, undefined],
  ])('with the result %s (%s) means %s', (status, reason, expected) => {
    expect(statusOf({ event: 'VerificationResultEvent', status, reason })).toBe(expected);
  });

  it('of an unknown event changes no status', () => {
    expect(statusOf({ event: 'VerificationNewEvent', status: 'SUCCESSFUL' })).toBeUndefined();
  });

  it('that asks for permission to send names the message, and may have its price', () => {
    const permissionRequest = {
      ...{ id: '018f-demo', event: 'VerificationRequestEvent', method: 'callout' },
      ...{ identity: { type: 'number', endpoint: '+46700000000' }, reference: 'signup-7f3a' },
      price: { amount: 0.0127, currencyId: 'EUR' },
    };

    expect(parse(permissionRequest)).toMatchObject({
      type: 'permission_request',
      message: {
        reference: 'signup-7f3a',
        channel: 'voice',
        phoneNumber: { e164: '+46700000000' },
      },
      reports: [
        { messageId: '018f-demo', status: 'pending', price: { amount: '0.0127', currency: 'EUR' } },
      ],
    });
    for (const unusable of [
      { method: 'flashcall' },
      { reference: undefined },
      { identity: null },
      { identity: { endpoint: '46700000000' } },
    ]) {
      expect(parse({ ...permissionRequest, ...unusable })).toMatchObject({ message: undefined });
    }
  });

  it.each([null, [], 7, {}, { event: 'VerificationResultEvent' }, { id: '018f-demo' }])(
    'is not in the body %j',
    (body) => {
      expect(parse(body)).toBeUndefined();
    },
  );
});
