import { randomInt } from 'node:crypto';

export const DIGITS = '0123456789';
export const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Generates a random code from the characters of the alphabet. */
export function generateCode(alphabet: string, length: number): string {
  let code = '';
  while (code.length < length) code += alphabet.charAt(randomInt(alphabet.length));
  return code;
}
