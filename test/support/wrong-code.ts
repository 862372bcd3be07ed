/** A code of the same form that is not this one. */
export const wrongCode = (code: string): string =>
  code.slice(0, -1) + String((Number(code.slice(-1)) + 1) % 10);
