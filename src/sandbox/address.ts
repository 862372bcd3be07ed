/** Writes an address in one way: e-mail in lower case, a phone number in digits. */
export function normalizeAddress(to: string): string {
  return to.includes('@') ? to.trim().toLowerCase() : to.replace(/\D/g, '');
}

/** Creates a different address of the same form. */
export function changeAddress(to: string): string {
  if (to.includes('@')) return `not-${to}`;
  return to.slice(0, -1) + String((Number(to.slice(-1)) + 1) % 10);
}
