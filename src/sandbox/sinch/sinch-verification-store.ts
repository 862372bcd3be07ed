import { BoundedHistory } from '../bounded-history.js';
import { SinchError } from './sinch-error.js';
import type { SinchVerification } from './sinch-verification.js';

/** Far more than any run needs; it keeps a sandbox that is left running from growing. */
const MAX_VERIFICATIONS = 100_000;

/** The verifications that were started lately. */
export class SinchVerificationStore {
  private readonly byId = new Map<string, SinchVerification>();
  private readonly byReference = new Map<string, SinchVerification>();
  private readonly history = new BoundedHistory<SinchVerification>(MAX_VERIFICATIONS);

  /** @throws SinchError 40900 for a reference that another one has. */
  addVerification(verification: SinchVerification): void {
    const { id, reference, endpoint } = verification;
    if (reference !== undefined) {
      if (this.byReference.has(reference)) throw new SinchError(40900);
      this.byReference.set(reference, verification);
    }
    this.byId.set(id, verification);
    const forgotten = this.history.addItem(endpoint, verification);
    if (!forgotten) return;
    this.byId.delete(forgotten.id);
    if (forgotten.reference !== undefined) this.byReference.delete(forgotten.reference);
  }

  findById(id: string): SinchVerification | undefined {
    return this.byId.get(id);
  }

  findByReference(reference: string): SinchVerification | undefined {
    return this.byReference.get(reference);
  }

  /** Newest first. */
  listByNumber(endpoint: string): SinchVerification[] {
    return this.history.listNewestFirst(endpoint);
  }
}
