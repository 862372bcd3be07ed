import type { ProviderName } from '../provider-name.js';
import type { SandboxFault, SandboxOperation } from './sandbox-fault.js';

/** A fault that is applied to the next requests of one operation. */
export interface PlannedFault extends SandboxFault {
  readonly operation: SandboxOperation;
  /** Default: both providers. */
  readonly provider?: ProviderName;
  /** How many requests still get the fault. */
  readonly times: number;
}

/** Keeps the planned faults: at most one per operation and provider. */
export class FaultInjector {
  private readonly planned = new Map<string, PlannedFault>();

  /** Replaces an earlier fault for the same operation and provider. */
  addFault(fault: PlannedFault): void {
    this.planned.set(buildFaultKey(fault.operation, fault.provider), fault);
  }

  /**
   * Finds the fault for a request and counts the request against `times`.
   * A fault for this provider takes precedence over one for both.
   */
  consumeFault(operation: SandboxOperation, provider: ProviderName): SandboxFault | undefined {
    const fault =
      this.planned.get(buildFaultKey(operation, provider)) ??
      this.planned.get(buildFaultKey(operation));
    if (!fault) return undefined;
    if (fault.times > 1) this.addFault({ ...fault, times: fault.times - 1 });
    else this.planned.delete(buildFaultKey(operation, fault.provider));
    return fault;
  }

  listFaults(): PlannedFault[] {
    return [...this.planned.values()];
  }

  clearFaults(): void {
    this.planned.clear();
  }
}

const buildFaultKey = (operation: SandboxOperation, provider = ''): string =>
  `${operation} ${provider}`;
