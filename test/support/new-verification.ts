import { minutes } from '../../src/common/durations.js';
import type { PhoneNumber } from '../../src/common/phone-number.js';
import type { NewVerification } from '../../src/storage/send.types.js';

/** A new verification, as the service with default settings passes it to the store. */
export function newVerification(
  pinId: string,
  phoneNumber: PhoneNumber,
  createdAt: number,
  country = 'US',
): NewVerification {
  return {
    pinId,
    client: 'shop',
    phoneNumber,
    destination: { country, prefix: phoneNumber.prefix },
    endUserAddress: undefined,
    hasSendLimits: true,
    channel: 'sms',
    locale: '',
    reference: undefined,
    eventReference: undefined,
    createdAt,
    expiresAt: createdAt + minutes(5),
    maxAttempts: 5,
  };
}

export const NO_IDEMPOTENCY_KEY = undefined;

/** A response to a send, as the store keeps it for a retry with the same idempotency key. */
export const sendResponse = (pinId: string) => ({
  pinId,
  to: '+1415•••2671',
  channel: 'sms',
  expiresAt: '2030-01-01T00:05:00.000Z',
  resendAvailableAt: '2030-01-01T00:00:30.000Z',
});
