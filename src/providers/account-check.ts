/** The result of one check of the provider's account. */
export interface AccountFinding {
  /** What was checked: `credentials`, `application`, `attempts`, … */
  readonly check: string;
  /** `error`: end users are or will be affected. */
  readonly level: 'ok' | 'warning' | 'error';
  /** One sentence. Never contains a credential. */
  readonly message: string;
  /** How to fix it, if there is something to fix. */
  readonly remedy: string | undefined;
}

/** Compares the account at a provider with this service's settings. */
export abstract class AccountCheck {
  /**
   * Reads the account; sends and changes nothing. An account that cannot be read is a finding too.
   * @param signal aborts the calls.
   */
  abstract check(signal?: AbortSignal): Promise<AccountFinding[]>;
}

/** The provider's account could not be read or changed. */
export class AccountError extends Error {
  override readonly name = 'AccountError';

  constructor(readonly finding: AccountFinding) {
    super([finding.message, finding.remedy].filter(Boolean).join(' '));
  }
}
