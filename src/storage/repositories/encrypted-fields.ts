import { PhoneNumber } from '../../common/phone-number.js';
import type { EncryptedValueContext } from '../data-protection.js';

/** What a row of `verifications` stores encrypted. */
interface EncryptedFields {
  /** The identity of the number; see `phone-identity.ts`. */
  readonly to: string;
  /** The number to which the provider sends, if it differs from the identity. */
  readonly dialled?: string | undefined;
  readonly providerPinId: string;
  /** The client's own text, which events return. */
  readonly eventReference?: string | undefined;
}

export const toEncryptedFields = (
  { e164, identity }: PhoneNumber,
  providerPinId: string,
  eventReference: string | undefined,
): EncryptedFields => ({
  to: identity,
  ...(e164 !== identity && { dialled: e164 }),
  providerPinId,
  ...(eventReference !== undefined && { eventReference }),
});

export const getFieldsContext = (pinId: string, client: string): EncryptedValueContext => ({
  purpose: 'verification',
  client,
  record: [pinId],
});

export function isEncryptedFields(value: unknown): value is EncryptedFields {
  const { to, dialled, providerPinId, eventReference } = (value ?? {}) as Partial<
    Record<keyof EncryptedFields, unknown>
  >;
  if (dialled !== undefined && !PhoneNumber.isE164(dialled)) return false;
  if (eventReference !== undefined && typeof eventReference !== 'string') return false;
  return PhoneNumber.isE164(to) && typeof providerPinId === 'string' && providerPinId !== '';
}
