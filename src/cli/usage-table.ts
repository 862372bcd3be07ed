import { alignColumns } from './table.js';
import type { UsageDocument } from './usage-report.js';

type Entry = UsageDocument['total'];

const COUNT_HEAD = [
  'verifications',
  'sends',
  'delivered',
  'undelivered',
  'verified',
  'conversion',
  'blocked',
];

/** A report as a text: one line for each group, the total, and the sends without a price. */
export function formatUsageReport(report: UsageDocument): string {
  const { from, to, by, groups, total, currency } = report;
  const title = `Usage from ${from} to ${to} (UTC)`;
  if (groups.length === 0) return `${title}: none.`;
  const head = [...by, ...COUNT_HEAD, ...(currency === undefined ? [] : [`cost (${currency})`])];
  const rows = [
    ...groups.map((group) => [...by.map((name) => group[name] ?? ''), ...formatCounts(group)]),
    [...by.map((_name, index) => (index === 0 ? 'total' : '')), ...formatCounts(total)],
  ];
  const numeric = head.map((_name, column) => column).slice(by.length);
  return [`${title}:`, '', ...alignColumns([head, ...rows], numeric), ...formatNotes(report)].join(
    '\n',
  );
}

const formatCounts = (entry: Entry): string[] => [
  formatCount(entry.verifications),
  formatCount(entry.sends),
  formatCount(entry.delivered),
  formatCount(entry.undelivered),
  formatCount(entry.verified),
  entry.conversion === null ? '-' : `${(entry.conversion * 100).toFixed(1)} %`,
  formatCount(entry.blocked),
  ...(entry.estimatedCost === undefined ? [] : [entry.estimatedCost]),
];

function formatNotes({ currency, unpriced = [] }: UsageDocument): string[] {
  if (currency === undefined) return [];
  const names = unpriced.map(
    ({ country, channel, sends }) =>
      `${country} by ${channel} (${formatCount(sends)} ${sends === 1 ? 'send' : 'sends'})`,
  );
  return [
    '',
    'The cost is an estimate: sends, multiplied by their price.',
    ...(names.length === 0
      ? []
      : [`Not included, because the file has no price: ${names.join(', ')}.`]),
  ];
}

const formatCount = (count: number | null): string =>
  count === null ? '-' : count.toLocaleString('en-US');
