/** One way to write what a PIN is sent to: an e-mail address in lower case, a number in digits. */
export function normalizeAddress(to: string): string {
  return to.includes('@') ? to.trim().toLowerCase() : to.replace(/\D/g, '');
}
