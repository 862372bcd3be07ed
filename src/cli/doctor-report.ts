import type { AccountFinding } from '../providers/account-check.js';

const MARKS: Record<AccountFinding['level'], string> = {
  ok: 'ok',
  warning: 'WARNING',
  error: 'ERROR',
};
const MARK_WIDTH = 9;

/** One line a finding, and below it what to do. */
export function describeFindings(findings: readonly AccountFinding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length)) + 2;
  const lines = findings.flatMap(({ check, level, message, remedy }) => {
    const line = MARKS[level].padEnd(MARK_WIDTH) + check.padEnd(width) + message;
    return remedy === undefined ? [line] : [line, `${' '.repeat(MARK_WIDTH + width)}→ ${remedy}`];
  });
  return [...lines, '', verdictOn(findings)].join('\n');
}

function verdictOn(findings: readonly AccountFinding[]): string {
  const count = (level: AccountFinding['level']) =>
    findings.filter((one) => one.level === level).length;
  const [errors, warnings] = [count('error'), count('warning')];
  if (errors + warnings === 0) return 'All is well.';
  return `${plural(errors, 'error')}, ${plural(warnings, 'warning')}.`;
}

const plural = (count: number, noun: string): string =>
  `${String(count)} ${noun}${count === 1 ? '' : 's'}`;
