/** Where the numbers are: prefixes behind which any seven digits are a mobile number. */
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

/** Coprime to a power of ten, so that multiplying by it visits every number once, in no order. */
const STRIDE = 7_654_321;

/** The i-th of 80 million distinct numbers that their countries' plans allow. */
export function phoneNumber(i: number): string {
  const prefix = PREFIXES[i % PREFIXES.length] ?? '';
  const rest = (Math.floor(i / PREFIXES.length) * STRIDE) % PER_PREFIX;
  return prefix + String(rest).padStart(DIGITS, '0');
}

/** The address of the i-th end user: a /64 of its own out of those for documentation (RFC 3849). */
export function endUser(i: number): string {
  const part = (bits: number) => ((i >>> bits) & 0xffff).toString(16);
  return `2001:db8:${part(16)}:${part(0)}::1`;
}
