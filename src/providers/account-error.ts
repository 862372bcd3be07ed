import type { Finding } from './account-inspection.js';

/** The vendor's account could not be read or changed; the finding says why, and what to do. */
export class AccountError extends Error {
  override readonly name = 'AccountError';

  constructor(readonly finding: Finding) {
    super([finding.message, finding.remedy].filter(Boolean).join(' '));
  }
}
