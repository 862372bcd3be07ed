const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** That many in any such interval. */
export interface RequestLimit {
  readonly count: number;
  readonly intervalMs: number;
}

/** `10m`, `45s`, or `d` for one day; `undefined` for anything else, zero and fractions included. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit] = /^([1-9]\d*)?(ms|[smhd])$/.exec(text) ?? [];
  return unit ? Number(amount ?? 1) * UNIT_MS[unit as keyof typeof UNIT_MS] : undefined;
}

/** `3/1d`: that many in any such interval. `2/d` means `2/1d`. */
export function parseLimit(text: string): RequestLimit | undefined {
  const [, count, interval = ''] = /^([1-9]\d*)\/(.+)$/.exec(text) ?? [];
  const intervalMs = parseDuration(interval);
  return count && intervalMs ? { count: Number(count), intervalMs } : undefined;
}
