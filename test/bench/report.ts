import { cpus } from 'node:os';
import type { Line, ProcessLine } from './compare.js';
import type { Spread } from './statistics.js';

/** Where and when it was measured. */
export function machine(): string {
  const [cpu] = cpus();
  const model = cpu?.model.trim() ?? 'an unknown processor';
  return `${String(cpus().length)} × ${model}, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}`;
}

const HEAD = ['engine', 'subject', 'operation', 'CPU µs', '× floor', 'per s', 'p50 ms', 'p99 ms'];

/** As a Markdown table: medians, and behind each the least and the most of the rounds. */
export function table(lines: readonly Line[]): string {
  return columns([
    HEAD,
    ...lines.map((line) => [
      line.engine,
      line.name,
      line.operation,
      withSpread(line.cpuMicros, 0),
      withSpread(line.ratio, 2),
      line.perSecond.median.toFixed(0),
      line.p50Ms.median.toFixed(1),
      line.p99Ms.median.toFixed(1),
    ]),
  ]);
}

const MEBIBYTE = 2 ** 20;

export function processTable(lines: readonly ProcessLine[]): string {
  return columns([
    ['engine', 'subject', 'first answer ms', 'idle MiB', 'peak MiB'],
    ...lines.map(({ engine, name, startMs, idleBytes, peakBytes }) => [
      engine,
      name,
      startMs.toFixed(0),
      (idleBytes / MEBIBYTE).toFixed(0),
      (peakBytes / MEBIBYTE).toFixed(0),
    ]),
  ]);
}

function withSpread({ median, least, most }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
}

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
