import type { PumpingConfig } from '../config/pumping.config.js';
import type { BlockedCount } from '../destinations/pumping-simulation.js';
import { alignColumns } from './table.js';

const HEAD = ['country', 'budget', 'blocked', 'though verified'];
const COUNTS = [2, 3];

const CAVEAT = [
  'The service itself may block fewer: it also knows numbers that were verified before the records',
  'begin, and in their first two weeks the usual traffic before.',
];

/** The settings, a table of what they would have blocked, and why that may be too much. */
export function formatReplay(
  { floorPerHour, floorPerDay, unverifiedRatio }: PumpingConfig,
  total: number,
  counts: readonly BlockedCount[],
): string {
  const settings =
    `${String(floorPerHour)} an hour, ${String(floorPerDay)} a day and ` +
    `${String(unverifiedRatio)} for each verified message`;
  const head = `Of ${formatCount(total)} verifications, with ${settings}:`;
  if (counts.length === 0) return `${head} none would have been blocked.`;
  const rows = counts.map(({ country, scope, window, blocked, verified }) => [
    country,
    `${scope}, ${window}`,
    formatCount(blocked),
    formatCount(verified),
  ]);
  return [head, '', ...alignColumns([HEAD, ...rows], COUNTS), '', ...CAVEAT].join('\n');
}

const formatCount = (count: number): string => count.toLocaleString('en-US');
