import type { Finding } from '../account-inspection.js';

const MEND = 'Mend it with: npm run infobip:setup.';

export const ok = (check: string, message: string): Finding => ({
  check,
  level: 'ok',
  message,
  remedy: undefined,
});

export const warning = (check: string, message: string, remedy = MEND): Finding => ({
  check,
  level: 'warning',
  message,
  remedy,
});

export const error = (check: string, message: string, remedy = MEND): Finding => ({
  check,
  level: 'error',
  message,
  remedy,
});

/** A vendor's value as a finding shows it, whatever came. */
export const shown = (value: unknown): string =>
  value === undefined ? 'not said' : JSON.stringify(value).slice(0, 60);
