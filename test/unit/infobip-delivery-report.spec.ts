import { reportsConfig } from '../../src/config/reports.config.js';
import { InfobipReportReader } from '../../src/providers/infobip/infobip.delivery-report.js';
import { isHmacValid, isTokenValid } from '../../src/providers/infobip/infobip.report-signature.js';
import { testEnvironment } from '../support/config.js';

const TOKENS = ['the-token-in-use-now', 'the-token-before-it'];
/** The signatures below are made with the second one. */
const HMAC_KEYS = ['made-up-delivery-key-02', 'made-up-delivery-key-01'];
/** Test vectors: a body, its HMAC, and the HMAC of the body with a line feed at its end. */
const BODY = '{"results":[{"messageId":"demo-1"}]}';
const DIGEST = '996a6fabe21798b283ea0d93bfca779c39a94b064a3993f2ca8695bdd44c9fa8';
const BASE64_DIGEST = 'mWpvq+IXmLKD6g2Tv8p3nDmpSwZKOZPyyoaVvdRMn6g=';
const DIGEST_WITH_LINE_FEED = '2efb36e22b3e0416e0aeceaedc7f920751bec0c434db7461d9d55e328034dfa8';

/** Infobip's group, id and name of each status, and the status that the service stores. */
const STATUSES: readonly [group: number, id: number, name: string, expected: string][] = [
  [1, 3, 'PENDING_WAITING_DELIVERY', 'pending'],
  [1, 7, 'PENDING_ENROUTE', 'pending'],
  [1, 26, 'PENDING_ACCEPTED', 'pending'],
  [3, 2, 'DELIVERED_TO_OPERATOR', 'pending'],
  [3, 5, 'DELIVERED_TO_HANDSET', 'delivered'],
  [2, 4, 'UNDELIVERABLE_REJECTED_OPERATOR', 'rejected'],
  [2, 31, 'UNDELIVERABLE_NOT_SENT', 'rejected'],
  [2, 9, 'UNDELIVERABLE_NOT_DELIVERED', 'unreachable'],
  [2, 96, 'NO_ANSWER', 'unreachable'],
  [2, 97, 'BUSY', 'unreachable'],
  [2, 98, 'CANCELLED', 'unreachable'],
  [4, 15, 'EXPIRED_EXPIRED', 'expired'],
  [4, 29, 'EXPIRED_DLR_UNKNOWN', 'unknown'],
  [4, 87, 'SIGNALS_BLOCKED', 'blocked'],
  [5, 87, 'SIGNALS_BLOCKED', 'blocked'],
  [5, 20, 'REJECTED_FLOODING_FILTER', 'flooded'],
  [5, 12, 'REJECTED_NOT_ENOUGH_CREDITS', 'no_credit'],
  [5, 17, 'REJECTED_PREPAID_PACKAGE_EXPIRED', 'no_credit'],
  [5, 10, 'REJECTED_DND', 'blocked'],
  [5, 14, 'REJECTED_DESTINATION_BLOCKLISTED', 'blocked'],
  [5, 11, 'REJECTED_SOURCE', 'rejected'],
  [5, 13, 'REJECTED_SENDER', 'rejected'],
  [5, 19, 'REJECTED_ROUTE_NOT_AVAILABLE', 'rejected'],
  [5, 6, 'REJECTED_NETWORK', 'rejected'],
  [5, 8, 'REJECTED_PREFIX_MISSING', 'rejected'],
  [5, 52, 'REJECTED_DESTINATION', 'rejected'],
  [5, 51, 'MISSING_TO', 'rejected'],
  [5, 18, 'REJECTED_DESTINATION_NOT_REGISTERED', 'rejected'],
  [5, 21, 'REJECTED_SYSTEM_ERROR', 'rejected'],
  [5, 23, 'REJECTED_DUPLICATE_MESSAGE_ID', 'rejected'],
  [5, 24, 'REJECTED_INVALID_UDH', 'rejected'],
  [5, 25, 'REJECTED_MESSAGE_TOO_LONG', 'rejected'],
  [5, 99, 'REJECTED', 'rejected'],
  [5, 100, 'UNDELIVERABLE_REJECTED_PLATFORM', 'rejected'],
];

const reader = new InfobipReportReader(
  reportsConfig(
    testEnvironment({
      INFOBIP_REPORT_TOKEN: TOKENS.join(','),
      INFOBIP_REPORT_HMAC_SECRET: HMAC_KEYS.join(','),
      INFOBIP_REPORT_HMAC_HEADER: 'X-Signature',
    }),
  ),
);

const parse = (body: unknown) =>
  reader.parse(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));
const read = (entry: object) => parse({ results: [{ messageId: 'demo-1', ...entry }] })?.reports[0];
const statusOf = (status?: object, error?: object) => read({ status, error })?.status;

describe('A delivery report of Infobip', () => {
  it.each(STATUSES)('of group %i and status %i %s means %s', (groupId, id, name, expected) => {
    expect(statusOf({ groupId, id })).toBe(expected);
    // The name decides if there is no id, or an unknown one.
    expect(statusOf({ name })).toBe(expected);
    expect(statusOf({ groupId, id: 9999, name })).toBe(expected);
  });

  it.each([
    [0, 'ACCEPTED', 'pending'],
    [1, 'PENDING', 'pending'],
    [2, 'UNDELIVERABLE', 'unreachable'],
    // A message in this group may have reached only the operator.
    [3, 'DELIVERED', 'pending'],
    [4, 'EXPIRED', 'expired'],
    [5, 'REJECTED', 'rejected'],
    [17, 'NEW_GROUP', 'unknown'],
  ])('of an unknown status counts by its group %i %s: %s', (groupId, groupName, expected) => {
    expect(statusOf({ groupId, id: 9999, name: 'NEW_STATUS' })).toBe(expected);
    expect(statusOf({ groupName, id: 9999, name: 'NEW_STATUS' })).toBe(expected);
  });

  it('without a status gets the status `unknown`', () => {
    const statuses = [statusOf(), statusOf({}), read({ status: null })?.status];
    expect(statuses).toEqual(['unknown', 'unknown', 'unknown']);
  });

  it.each([
    ['unreachable', [1, 5, 6, 27, 31]],
    ['expired', [811]],
    ['blocked', [560, 561, 566, 573, 603, 604, 608, 609]],
    ['flooded', [4103, 4104]],
  ])('means %s if the message did not arrive and the error is one of %j', (expected, ids) => {
    for (const id of ids) {
      expect(statusOf({ groupId: 2, id: 4 }, { id })).toBe(expected);
      expect(statusOf({ groupId: 4, id: 15 }, { id })).toBe(expected);
      expect(statusOf({ groupId: 5, id: 99 }, { id })).toBe(expected);
      expect(statusOf({ groupId: 3, id: 5 }, { id })).toBe('delivered');
      expect(statusOf({ groupId: 1, id: 7 }, { id })).toBe('pending');
      // This status says more than the error.
      expect(statusOf({ groupId: 5, id: 12 }, { id })).toBe('no_credit');
    }
  });

  it('has the time of the status, whose UTC offset has no colon', () => {
    expect(read({ doneAt: '2030-01-02T04:04:09.500+0100' })?.statusAt).toBe(
      Date.parse('2030-01-02T03:04:09.500Z'),
    );
    expect(read({ doneAt: 'soon' })?.statusAt).toBeUndefined();
  });

  it.each([
    [{ price: { pricePerMessage: 0.031, currency: 'EUR' }, messageCount: 3 }, '0.093', 'EUR'],
    [{ price: { pricePerMessage: 0.1, currency: 'EUR' }, smsCount: 3 }, '0.3', 'EUR'],
    [{ price: { pricePerMessage: 0, currency: 'USD' } }, '0', 'USD'],
    [{ price: { pricePerMessage: 1e-7, currency: 'EUR' } }, '0.000000100000', 'EUR'],
    [{ price: { pricePerMessage: '12.50', currency: 'EUR' }, messageCount: 'x' }, '12.50', 'EUR'],
  ])('has the price of all its parts, as decimal text: %j', (entry, amount, currency) => {
    expect(read(entry)?.price).toEqual({ amount, currency });
  });

  it.each([
    { price: { pricePerMessage: -1, currency: 'EUR' } },
    { price: { pricePerMessage: 0.1, currency: 'euro' } },
    { price: { pricePerMessage: 0.1 } },
    { price: null },
    { price: 'EUR 1' },
  ])('has no price if the price is invalid: %j', (entry) => {
    expect(read(entry)).toEqual(expect.objectContaining({ price: undefined }));
  });

  it('without a usable id is counted as malformed, and does not affect other reports', () => {
    const good = { messageId: 'demo-1', status: { groupId: 3, id: 5 } };
    const bad = [null, 7, 'text', [], {}, { messageId: '' }, { messageId: 7 }];
    const parsed = parse({ results: [...bad, good, { messageId: 'x'.repeat(513) }] });

    expect(parsed).toMatchObject({
      malformed: 8,
      reports: [{ messageId: 'demo-1', status: 'delivered' }],
    });
  });

  it.each(['', 'no JSON', '[]', '7', 'null', '{}', '{"results":{}}', '{"results":"x"}'])(
    'is not in the body %j',
    (body) => {
      expect(parse(body)).toBeUndefined();
    },
  );
});

describe('The authenticity of a report of Infobip', () => {
  const refusal = (headers: Record<string, string | string[]>, body = BODY) =>
    reader.findRefusal({ headers, body: Buffer.from(body) });
  const token = { 'x-delivery-token': TOKENS[0] ?? '' };

  it.each([DIGEST, DIGEST.toUpperCase(), BASE64_DIGEST, `sha256=${DIGEST}`])(
    'is shown by a token and the signature %s',
    (signature) => {
      expect(refusal({ ...token, 'x-signature': signature })).toBeUndefined();
      expect(refusal({ 'x-delivery-token': TOKENS[1] ?? '', 'x-signature': signature })).toBe(
        undefined,
      );
    },
  );

  it.each([
    ['no token', { 'x-signature': DIGEST }],
    ['another token', { 'x-delivery-token': 'another-token-as-long', 'x-signature': DIGEST }],
    ['two tokens', { 'x-delivery-token': TOKENS.join(', '), 'x-signature': DIGEST }],
    ['no signature', token],
    ['the signature of another body', { ...token, 'x-signature': DIGEST_WITH_LINE_FEED }],
    ['a shortened signature', { ...token, 'x-signature': DIGEST.slice(0, 62) }],
    ['an empty signature', { ...token, 'x-signature': '' }],
    ['two signatures', { ...token, 'x-signature': `${DIGEST}, ${DIGEST}` }],
    ['a list of signatures', { ...token, 'x-signature': [DIGEST, DIGEST] }],
  ])('is not shown by %s', (_what, headers) => {
    // `signature` also means an absent or wrong token.
    expect(refusal(headers as Record<string, string>)).toBe('signature');
  });

  it('covers every byte of the body', () => {
    const headers = { ...token, 'x-signature': DIGEST };

    expect(refusal(headers, `${BODY}\n`)).toBe('signature');
    expect(isHmacValid(DIGEST_WITH_LINE_FEED, Buffer.from(`${BODY}\n`), HMAC_KEYS)).toBe(true);
  });

  it('is shown by the token alone if no signature is configured', () => {
    const settings = testEnvironment({ INFOBIP_REPORT_TOKEN: TOKENS[0] });
    const unsigned = new InfobipReportReader(reportsConfig(settings));

    expect(unsigned.findRefusal({ headers: token, body: Buffer.from(BODY) })).toBeUndefined();
    expect(unsigned.findRefusal({ headers: {}, body: Buffer.from(BODY) })).toBe('signature');
    expect(isTokenValid(undefined, TOKENS)).toBe(false);
  });
});
