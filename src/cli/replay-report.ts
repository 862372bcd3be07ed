import type { PumpingConfig } from '../config/pumping.config.js';
import type { BlockedCount } from '../destinations/pumping-simulation.js';

const HEAD = ['country', 'budget', 'refused', 'though verified'] as const;

const UNRECORDED = [
  'The guard itself may refuse fewer: it also knows numbers that were verified before the records',
  'begin, and for their first two weeks what was usual before.',
];

/** What was replayed, a table of what would have been refused, and why it may be too much. */
export function describeReplay(
  { floorPerHour, floorPerDay, unverifiedRatio }: PumpingConfig,
  total: number,
  refusals: readonly BlockedCount[],
): string {
  const settings =
    `${String(floorPerHour)} an hour, ${String(floorPerDay)} a day and ` +
    `${String(unverifiedRatio)} for each verified text`;
  const head = `Of ${counted(total)} verifications, with ${settings}:`;
  if (refusals.length === 0) return `${head} none would have been refused.`;
  const rows = refusals.map(({ country, region, window, blocked: refused, verified }) => [
    country,
    `${region}, ${window}`,
    counted(refused),
    counted(verified),
  ]);
  return [head, '', ...aligned([[...HEAD], ...rows]), '', ...UNRECORDED].join('\n');
}

/** Words to the left, counts to the right. */
function aligned(rows: readonly string[][]): string[] {
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column < 2 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  '),
  );
}

const counted = (count: number): string => count.toLocaleString('en-US');
