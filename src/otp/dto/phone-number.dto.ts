import type { PhoneNumber } from '../../common/phone-number.js';
import { PhoneNumberField } from './phone-number.field.js';

/** Numbers travel in bodies: a URL ends up in logs. */
export class PhoneNumberDto {
  /** In E.164 form. */
  @PhoneNumberField()
  readonly phoneNumber!: PhoneNumber;
}

export interface LookupResponse {
  /** Whether the calling client has had this number verified, as far as records reach back. */
  readonly verified: boolean;
  /** The last time; ISO 8601, UTC. */
  readonly verifiedAt?: string;
}
