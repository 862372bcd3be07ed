import { cpus } from 'node:os';
import type { Result } from './rounds.js';
import type { Spread } from './statistics.js';

/** What one experiment found on one engine, to be put under what it found on another. */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly lines: readonly Line[];
}

/** A line of a table: how it is shown, and what it says. */
export interface Line {
  readonly cells: readonly string[];
  readonly data: object;
}

const MEBIBYTE = 2 ** 20;

/** Where and when it was measured. */
export function machine(): string {
  const [cpu] = cpus();
  const model = cpu?.model.trim() ?? 'an unknown processor';
  return `${String(cpus().length)} × ${model}, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}`;
}

/** One table of all that have its title, in Markdown. */
export function joined(tables: readonly Table[]): string {
  const titles = [...new Set(tables.map(({ title }) => title))];
  return titles
    .map((title) => {
      const same = tables.filter((table) => table.title === title);
      const rows = same.flatMap(({ lines }) => lines.map(({ cells }) => cells));
      return `${title}:\n\n${columns([...same.slice(0, 1).map(({ head }) => head), ...rows])}`;
    })
    .join('\n\n');
}

/** The columns of a result. */
export const resultHead = (baseline: string): readonly string[] => [
  'CPU µs',
  `× ${baseline}`,
  'per s',
  'p50 ms',
  'p99 ms',
];

export const resultCells = (result: Result): readonly string[] => [
  withSpread(result.cpuMicros, 0),
  withSpread(result.ratio, 2),
  result.perSecond.median.toFixed(0),
  result.p50Ms.median.toFixed(1),
  result.p99Ms.median.toFixed(1),
];

/** The median and, in brackets, the least and the most of the rounds. */
export function withSpread({ median, least, most }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
}

export const mebibytes = (bytes: number): string => (bytes / MEBIBYTE).toFixed(0);

/** Rows of a Markdown table, the first its head. */
function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_head, i) =>
    Math.max(...rows.map((row) => row[i]?.length ?? 0)),
  );
  const written = rows.map(
    (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`,
  );
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [written[0], rule, ...written.slice(1)].join('\n');
}
