import type { AccountFinding } from '../account-check.js';

const MEND = 'Mend it with: npm run infobip:setup.';

export const ok = (check: string, message: string): AccountFinding => ({
  check,
  level: 'ok',
  message,
  remedy: undefined,
});

export const warning = (check: string, message: string, remedy = MEND): AccountFinding => ({
  check,
  level: 'warning',
  message,
  remedy,
});

export const error = (check: string, message: string, remedy = MEND): AccountFinding => ({
  check,
  level: 'error',
  message,
  remedy,
});

/** A vendor's value as a finding shows it, whatever came. */
export const format = (value: unknown): string =>
  value === undefined ? 'not said' : JSON.stringify(value).slice(0, 60);
