import { randomInt } from 'node:crypto';
import type { SinchCodeType } from './sinch-requests.js';

const ALPHABETS: Record<SinchCodeType, string> = {
  Numeric: '0123456789',
  Alpha: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  Alphanumeric: '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ',
};
const CODE_LENGTH = 4;

export function generateCode(codeType: SinchCodeType): string {
  const alphabet = ALPHABETS[codeType];
  let code = '';
  while (code.length < CODE_LENGTH) code += alphabet.charAt(randomInt(alphabet.length));
  return code;
}

/** Who rings in a flash call: one of ten thousand numbers. */
export function generateCallerNumber(): string {
  return `+4670174${String(randomInt(10_000)).padStart(4, '0')}`;
}
