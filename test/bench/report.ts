import { cpus } from 'node:os';
import type { Result } from './rounds.js';
import type { Spread } from './statistics.js';

/** A table of results for one engine. Tables with the same title are joined. */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly lines: readonly Line[];
}

/** A row of a table: its printed cells and its data for JSON. */
export interface Line {
  readonly cells: readonly string[];
  readonly data: object;
}

const MEBIBYTE = 2 ** 20;

/** The machine, the Node version and the date. */
export function describeMachine(): string {
  const [cpu] = cpus();
  const model = cpu?.model.trim() ?? 'an unknown processor';
  return `${String(cpus().length)} × ${model}, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}`;
}

/** Joins tables with the same title and formats them in Markdown. */
export function formatTables(tables: readonly Table[]): string {
  const titles = [...new Set(tables.map(({ title }) => title))];
  return titles
    .map((title) => {
      const same = tables.filter((table) => table.title === title);
      const rows = same.flatMap(({ lines }) => lines.map(({ cells }) => cells));
      return `${title}:\n\n${formatTable([...same.slice(0, 1).map(({ head }) => head), ...rows])}`;
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

/** Formats a Markdown table, whose first row is the head. */
function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_head, i) =>
    Math.max(...rows.map((row) => row[i]?.length ?? 0)),
  );
  const written = rows.map(
    (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`,
  );
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [written[0], rule, ...written.slice(1)].join('\n');
}
