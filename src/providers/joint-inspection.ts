import type { AccountCheck, AccountFinding } from './account-check.js';

/** Inspects several accounts at the same time. */
export class JointInspection implements AccountCheck {
  constructor(private readonly inspections: readonly AccountCheck[]) {}

  async check(signal?: AbortSignal): Promise<AccountFinding[]> {
    return (await Promise.all(this.inspections.map((one) => one.check(signal)))).flat();
  }
}
