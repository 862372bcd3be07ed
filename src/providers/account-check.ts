/** One thing about the vendor's account that was looked at. */
export interface AccountFinding {
  /** What was looked at: `credentials`, `application`, `attempts`, … */
  readonly check: string;
  /** `error`: users are or will be hurt by it. `warning`: worth knowing. */
  readonly level: 'ok' | 'warning' | 'error';
  /** One sentence. Never names a credential. */
  readonly message: string;
  /** How to mend it; `undefined` where there is nothing to mend. */
  readonly remedy: string | undefined;
}

/** Compares the vendor's account, as it is configured there, with this service's settings. */
export abstract class AccountCheck {
  /**
   * Reads the account, sends nothing, changes nothing. What keeps it from reading is a finding too.
   * @param signal gives up.
   */
  abstract check(signal?: AbortSignal): Promise<AccountFinding[]>;
}
