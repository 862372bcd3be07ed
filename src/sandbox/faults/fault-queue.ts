import type { Fault, Operation } from './fault.js';

/** What is to go wrong, and with how many more calls. */
export interface Planned extends Fault {
  readonly operation: Operation;
  readonly times: number;
}

/** Faults that the next calls of an operation meet; at most one kind for each operation. */
export class FaultQueue {
  private readonly planned = new Map<Operation, Planned>();

  /** In place of what was planned for that operation before. */
  plan(planned: Planned): void {
    this.planned.set(planned.operation, planned);
  }

  /** The fault of this call, if it has one; it is used up by it. */
  take(operation: Operation): Fault | undefined {
    const planned = this.planned.get(operation);
    if (!planned) return undefined;
    if (planned.times > 1) this.plan({ ...planned, times: planned.times - 1 });
    else this.planned.delete(operation);
    return planned;
  }

  list(): Planned[] {
    return [...this.planned.values()];
  }

  clear(): void {
    this.planned.clear();
  }
}
