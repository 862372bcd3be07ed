import { PhoneNumber } from '../../src/common/phone-number.js';

/** A number as earlier builds stored it: under the spelling that was given. */
export function toFormerNumber(e164: string): PhoneNumber {
  return Object.defineProperty(PhoneNumber.fromE164(e164), 'identity', { value: e164 });
}
