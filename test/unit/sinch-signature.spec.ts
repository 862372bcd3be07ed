import { createSignature } from '../../src/providers/sinch/sinch.signature.js';

const SECRET = 'Y29udHJhY3QtZG9jLWV4YW1wbGU=';
const REQUEST = {
  method: 'PUT',
  path: '/verification/v1/verifications/id/018f-demo',
  contentType: 'application/json',
  timestamp: '2030-01-02T03:04:05.000Z',
  body: '{"method":"sms","sms":{"code":"4071"}}',
};

describe('createSignature', () => {
  it('returns the signature that OpenSSL computes, with and without a body', () => {
    expect(createSignature(REQUEST, SECRET)).toBe('xetmSkHYzRPm4cG+1TLxTit1ow9aYRFKnlWb9vsDdIo=');
    expect(createSignature({ ...REQUEST, method: 'GET', body: undefined }, SECRET)).toBe(
      'kWI874dTBWxI2MpYMAVBhOYX7ftuPjp9EVmMf3k45ng=',
    );
  });

  it.each([
    { method: 'POST' },
    { path: '/verification/v1/verifications/id/018f' },
    { contentType: 'application/json; charset=utf-8' },
    { timestamp: '2030-01-02T03:04:05.001Z' },
    { body: '{"method":"sms","sms":{"code":"4072"}}' },
  ])('changes with %j', (change) => {
    expect(createSignature({ ...REQUEST, ...change }, SECRET)).not.toBe(
      createSignature(REQUEST, SECRET),
    );
  });
});
