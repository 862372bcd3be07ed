import type { AccountFinding } from './account-check.js';

/** The vendor's account could not be read or changed; the finding says why, and what to do. */
export class AccountError extends Error {
  override readonly name = 'AccountError';

  constructor(readonly finding: AccountFinding) {
    super([finding.message, finding.remedy].filter(Boolean).join(' '));
  }
}
