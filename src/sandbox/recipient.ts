/** Normalizes a recipient: a phone number to its digits, an e-mail address to lower case. */
export function normalizeRecipient(to: string): string {
  return to.includes('@') ? to.trim().toLowerCase() : to.replace(/\D/g, '');
}

/** Creates a different recipient of the same kind, for the fault `wrong-msisdn`. */
export function createOtherRecipient(to: string): string {
  if (to.includes('@')) return `not-${to}`;
  return to.slice(0, -1) + String((Number(to.slice(-1)) + 1) % 10);
}
