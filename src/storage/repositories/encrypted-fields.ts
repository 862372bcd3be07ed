import { PhoneNumber } from '../../common/phone-number.js';
import type { EncryptedValueContext } from '../data-protection.js';

/** The fields that a row of `verifications` stores encrypted. Here they are plain text. */
interface EncryptedFields {
  /** The number in the one spelling that identifies its phone; see `phone-identity.ts`. */
  readonly to: string;
  /** The number in the spelling that the provider gets, if it differs from `to`. */
  readonly dialled?: string | undefined;
  readonly providerPinId: string;
  /** A value from the client, returned in webhook events. */
  readonly eventReference?: string | undefined;
  /** When a resend of the code was requested, in milliseconds since the epoch; absent for a send. */
  readonly requestedAt?: number | undefined;
}

export const toEncryptedFields = ({
  phoneNumber: { e164, identity },
  providerPinId,
  eventReference,
  requestedAt,
}: Omit<EncryptedFields, 'to' | 'dialled'> & { phoneNumber: PhoneNumber }): EncryptedFields => ({
  to: identity,
  ...(e164 !== identity && { dialled: e164 }),
  providerPinId,
  ...(eventReference !== undefined && { eventReference }),
  ...(requestedAt !== undefined && { requestedAt }),
});

export const getFieldsContext = (pinId: string, client: string): EncryptedValueContext => ({
  purpose: 'verification',
  client,
  record: [pinId],
});

/** Whether a decrypted value has valid fields. */
export function isEncryptedFields(value: unknown): value is EncryptedFields {
  const { to, dialled, providerPinId, eventReference, requestedAt } = (value ?? {}) as Partial<
    Record<keyof EncryptedFields, unknown>
  >;
  if (dialled !== undefined && !PhoneNumber.isE164(dialled)) return false;
  if (eventReference !== undefined && typeof eventReference !== 'string') return false;
  if (requestedAt !== undefined && typeof requestedAt !== 'number') return false;
  return PhoneNumber.isE164(to) && typeof providerPinId === 'string' && providerPinId !== '';
}
