const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type TimeUnit = keyof typeof UNIT_MS;

/** At most `count` in any interval of this length. */
interface UsageLimit {
  readonly count: number;
  readonly intervalMs: number;
}

/** Parses Infobip's durations to milliseconds: `10m`, `45s`, or `d` for one day; else `undefined`. */
export function parseDuration(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined;
  const [, amount = '1', unit] = /^([1-9]\d{0,11})?(ms|[smhd])$/.exec(text) ?? [];
  return unit === undefined ? undefined : Number(amount) * UNIT_MS[unit as TimeUnit];
}

/** Parses Infobip's limits: `3/1d` or `2/d`; else `undefined`. */
export function parseLimit(text: unknown): UsageLimit | undefined {
  if (typeof text !== 'string') return undefined;
  const [, count, interval] = /^([1-9]\d{0,11})\/(.+)$/.exec(text) ?? [];
  const intervalMs = parseDuration(interval);
  return count === undefined || intervalMs === undefined
    ? undefined
    : { count: Number(count), intervalMs };
}

/** Formats milliseconds in the largest unit without a fraction: `5m`. */
export function formatDuration(ms: number): string {
  const units = Object.keys(UNIT_MS).reverse() as TimeUnit[];
  const unit = units.find((candidate) => ms % UNIT_MS[candidate] === 0) ?? 'ms';
  return `${String(ms / UNIT_MS[unit])}${unit}`;
}

/** Formats a limit: `3/1d`. */
export const formatLimit = (count: number, intervalMs: number): string =>
  `${String(count)}/${formatDuration(intervalMs)}`;

/** Writes a duration or limit in its largest unit, for comparisons: `300s` becomes `5m`. */
export function normalizeUnits(value: unknown): unknown {
  const limit = parseLimit(value);
  if (limit) return formatLimit(limit.count, limit.intervalMs);
  const durationMs = parseDuration(value);
  return durationMs === undefined ? value : formatDuration(durationMs);
}
