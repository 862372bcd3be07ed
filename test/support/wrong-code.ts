/** A wrong code of the same length. */
export const wrongCode = (code: string): string =>
  code.slice(0, -1) + String((Number(code.slice(-1)) + 1) % 10);
