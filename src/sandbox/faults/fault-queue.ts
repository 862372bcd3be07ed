import type { Vendor } from '../vendor.js';
import type { Fault, Operation } from './fault.js';

/** What is to go wrong, and with how many more calls. */
export interface Planned extends Fault {
  readonly operation: Operation;
  /** Whose calls; of both, if it is not said. */
  readonly provider?: Vendor;
  readonly times: number;
}

/** Faults that the next calls of an operation meet; at most one kind for each, and each vendor. */
export class FaultQueue {
  private readonly planned = new Map<string, Planned>();

  /** In place of what was planned for the same calls before. */
  plan(planned: Planned): void {
    this.planned.set(keyOf(planned.operation, planned.provider), planned);
  }

  /** The fault of this call, if it has one; it is used up by it. One for this vendor goes first. */
  take(operation: Operation, provider: Vendor): Fault | undefined {
    const planned =
      this.planned.get(keyOf(operation, provider)) ?? this.planned.get(keyOf(operation));
    if (!planned) return undefined;
    if (planned.times > 1) this.plan({ ...planned, times: planned.times - 1 });
    else this.planned.delete(keyOf(operation, planned.provider));
    return planned;
  }

  list(): Planned[] {
    return [...this.planned.values()];
  }

  clear(): void {
    this.planned.clear();
  }
}

const keyOf = (operation: Operation, provider = ''): string => `${operation} ${provider}`;
