import { DIGITS, generateCode, LETTERS } from '../generate-code.js';
import type { SinchCodeType } from './sinch-requests.js';

const ALPHABETS: Record<SinchCodeType, string> = {
  Numeric: DIGITS,
  Alpha: LETTERS,
  Alphanumeric: DIGITS + LETTERS,
};
const CODE_LENGTH = 4;

export function generateSinchCode(codeType: SinchCodeType): string {
  return generateCode(ALPHABETS[codeType], CODE_LENGTH);
}

/** Generates the number that a flash call comes from, which is the code. Its last four digits are random. */
export function generateCallerNumber(): string {
  return `+4670174${generateCode(DIGITS, 4)}`;
}
