import type { AccountFinding } from '../providers/account-check.js';
import { alignColumns } from './table.js';

/** One line per finding, and how to fix it on the next. */
export function formatReport(findings: readonly AccountFinding[]): string {
  const rows = findings.flatMap(({ check, level, message, remedy }) => [
    [level === 'ok' ? level : level.toUpperCase(), check, message],
    ...(remedy === undefined ? [] : [['', '', `→ ${remedy}`]]),
  ]);
  return [...alignColumns(rows), '', summarize(findings)].join('\n');
}

function summarize(findings: readonly AccountFinding[]): string {
  const count = (level: AccountFinding['level']) =>
    findings.filter((one) => one.level === level).length;
  const [errors, warnings] = [count('error'), count('warning')];
  if (errors + warnings === 0) return 'No problems found.';
  return `${plural(errors, 'error')}, ${plural(warnings, 'warning')}.`;
}

const plural = (count: number, noun: string): string =>
  `${String(count)} ${noun}${count === 1 ? '' : 's'}`;
