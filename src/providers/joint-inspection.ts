import type { AccountInspection, Finding } from './account-inspection.js';

/** Inspects several accounts at the same time. */
export class JointInspection implements AccountInspection {
  constructor(private readonly inspections: readonly AccountInspection[]) {}

  async inspect(signal?: AbortSignal): Promise<Finding[]> {
    return (await Promise.all(this.inspections.map((one) => one.inspect(signal)))).flat();
  }
}
