const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `n` seconds in milliseconds. */
export const seconds = (n: number): number => n * UNIT_MS.s;
/** `n` minutes in milliseconds. */
export const minutes = (n: number): number => n * UNIT_MS.m;
/** `n` hours in milliseconds. */
export const hours = (n: number): number => n * UNIT_MS.h;

/** Parses `250ms`, `30s`, `5m`, `24h` or `30d` to milliseconds; otherwise `undefined`. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit] = /^([1-9]\d{0,8})(ms|[smhd])$/.exec(text) ?? [];
  return amount && unit ? Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS] : undefined;
}
