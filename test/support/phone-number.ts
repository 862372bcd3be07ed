import { PhoneNumber } from '../../src/common/phone-number.js';

/** Parses a number that must be valid. */
export function phoneNumber(text: string): PhoneNumber {
  const number = PhoneNumber.parse(text);
  if (!number) throw new Error(`${text} is not a phone number`);
  return number;
}
