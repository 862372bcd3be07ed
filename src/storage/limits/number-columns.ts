import type { WindowEntryColumn } from './sliding-window.js';

/* The sends and codes of a client at a number. A failure is a wrong code, or a code being checked. */

const NUMBER_COLUMN = {
  table: 'client_numbers',
  key: ['number_hash', 'client'],
  returning: 'verified_at',
} as const;
export const SENDS: WindowEntryColumn = { column: 'sends', others: ['failures'], ...NUMBER_COLUMN };
export const FAILURES: WindowEntryColumn = {
  column: 'failures',
  others: ['sends'],
  ...NUMBER_COLUMN,
};
