/** Prefixes that form a mobile number with any seven digits. */
const PREFIXES = [
  '+3361',
  '+49171',
  '+3466',
  '+6141',
  '+91981',
  '+39345',
  '+39347',
  '+3161',
] as const;

const DIGITS = 7;
const PER_PREFIX = 10 ** DIGITS;

/** Coprime to powers of ten, so its multiples visit every number once, in scattered order. */
const STRIDE = 7_654_321;

/** The i-th of 80 million distinct valid phone numbers. */
export function phoneNumber(i: number): string {
  const prefix = PREFIXES[i % PREFIXES.length] ?? '';
  const rest = (Math.floor(i / PREFIXES.length) * STRIDE) % PER_PREFIX;
  return prefix + String(rest).padStart(DIGITS, '0');
}

/** The IP address of the i-th end user, each in another /64 of 2001:db8::/32 (RFC 3849). */
export function getEndUserIp(i: number): string {
  const part = (bits: number) => ((i >>> bits) & 0xffff).toString(16);
  return `2001:db8:${part(16)}:${part(0)}::1`;
}
