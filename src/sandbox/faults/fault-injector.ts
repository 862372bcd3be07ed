import type { ProviderName } from '../provider-name.js';
import { normalizeRecipient } from '../recipient.js';
import type { ReportFault, SandboxFault, SandboxOperation } from './sandbox-fault.js';

interface FaultPlan {
  /** Default: both providers. */
  readonly provider?: ProviderName;
  /** A phone number or an e-mail address. Default: every recipient. */
  readonly to?: string;
  /** How many requests or messages still get the fault. */
  readonly times: number;
}

/** A fault that is applied to the next requests of one operation. */
export interface PlannedFault extends SandboxFault, FaultPlan {
  readonly operation: SandboxOperation;
}

/** A fault that is applied to the delivery reports of the next messages. */
export interface PlannedReportFault extends ReportFault, FaultPlan {
  readonly operation: 'report';
}

export type AnyPlannedFault = PlannedFault | PlannedReportFault;

/** Bounds the memory of a sandbox that runs for a long time. */
const MAX_FAULTS = 10_000;

/** Keeps the planned faults: at most one per operation, provider and recipient. */
export class FaultInjector {
  private readonly planned = new Map<string, AnyPlannedFault>();

  /**
   * Replaces an earlier fault for the same operation, provider and recipient.
   * @returns false if there are too many faults.
   */
  addFault(fault: AnyPlannedFault): boolean {
    const key = buildFaultKey(fault.operation, fault.provider, fault.to);
    if (this.planned.size >= MAX_FAULTS && !this.planned.has(key)) return false;
    this.planned.set(key, fault);
    return true;
  }

  /**
   * Finds the fault for a request and counts the request against `times`. The most specific fault is
   * used: for the recipient and provider, then for the recipient, then for the provider, then for all.
   * @returns `undefined` if no planned fault matches
   */
  consumeFault(
    operation: SandboxOperation,
    provider: ProviderName,
    to: string,
  ): SandboxFault | undefined {
    // Only the operation `report` has faults of the type PlannedReportFault.
    return this.consume(operation, provider, to) as PlannedFault | undefined;
  }

  /** Like {@link consumeFault}, for the delivery reports of a message. */
  consumeReportFault(provider: ProviderName, to: string): ReportFault | undefined {
    return this.consume('report', provider, to) as PlannedReportFault | undefined;
  }

  listFaults(): AnyPlannedFault[] {
    return [...this.planned.values()];
  }

  clearFaults(): void {
    this.planned.clear();
  }

  private consume(
    operation: AnyPlannedFault['operation'],
    provider: ProviderName,
    to: string,
  ): AnyPlannedFault | undefined {
    if (this.planned.size === 0) return undefined;
    const keys = [
      buildFaultKey(operation, provider, to),
      buildFaultKey(operation, undefined, to),
      buildFaultKey(operation, provider),
      buildFaultKey(operation),
    ];
    const key = keys.find((each) => this.planned.has(each));
    const fault = key === undefined ? undefined : this.planned.get(key);
    if (key === undefined || !fault) return undefined;
    if (fault.times > 1) this.planned.set(key, { ...fault, times: fault.times - 1 });
    else this.planned.delete(key);
    return fault;
  }
}

const buildFaultKey = (operation: string, provider = '', to = ''): string =>
  `${operation} ${provider} ${normalizeRecipient(to)}`;
