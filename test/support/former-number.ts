import { PhoneNumber } from '../../src/common/phone-number.js';

/** A number as earlier builds stored it: they used the given spelling as the number's identity. */
export function toFormerNumber(e164: string): PhoneNumber {
  return Object.defineProperty(PhoneNumber.fromE164(e164), 'identity', { value: e164 });
}
