const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** At most `count` requests in any interval of `intervalMs` milliseconds. */
export interface RequestLimit {
  readonly count: number;
  readonly intervalMs: number;
}

/** Parses `10m`, `45s`, or `d` for one day, to milliseconds; `undefined` if invalid. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit] = /^([1-9]\d*)?(ms|[smhd])$/.exec(text) ?? [];
  return unit ? Number(amount ?? 1) * UNIT_MS[unit as keyof typeof UNIT_MS] : undefined;
}

/** Parses `3/1d` (3 requests in one day) or the short form `3/d`; `undefined` if invalid. */
export function parseLimit(text: string): RequestLimit | undefined {
  const [, count, interval = ''] = /^([1-9]\d*)\/(.+)$/.exec(text) ?? [];
  const intervalMs = parseDuration(interval);
  return count && intervalMs ? { count: Number(count), intervalMs } : undefined;
}
