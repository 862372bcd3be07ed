import { PhoneNumber } from '../../src/common/phone-number.js';

/** A number that the test knows to be good. */
export function phoneNumber(text: string): PhoneNumber {
  const number = PhoneNumber.parse(text);
  if (!number) throw new Error(`${text} is no phone number`);
  return number;
}
