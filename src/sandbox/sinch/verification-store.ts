import { BoundedHistory } from '../bounded-history.js';
import { SinchError } from './api-error.js';
import type { Verification } from './verification.js';

/** Far more than any run needs; it keeps a sandbox that is left running from growing. */
const KEPT = 100_000;

/** The verifications that were started lately. */
export class VerificationStore {
  private readonly byId = new Map<string, Verification>();
  private readonly byReference = new Map<string, Verification>();
  private readonly recent = new BoundedHistory<Verification>(KEPT);

  /** @throws SinchError 40900 for a reference that another one has. */
  keep(verification: Verification): void {
    const { id, reference, endpoint } = verification;
    if (reference !== undefined) {
      if (this.byReference.has(reference)) throw new SinchError(40900);
      this.byReference.set(reference, verification);
    }
    this.byId.set(id, verification);
    const forgotten = this.recent.addItem(endpoint, verification);
    if (!forgotten) return;
    this.byId.delete(forgotten.id);
    if (forgotten.reference !== undefined) this.byReference.delete(forgotten.reference);
  }

  withId(id: string): Verification | undefined {
    return this.byId.get(id);
  }

  withReference(reference: string): Verification | undefined {
    return this.byReference.get(reference);
  }

  /** Newest first. */
  ofNumber(endpoint: string): Verification[] {
    return this.recent.listNewestFirst(endpoint);
  }
}
