import { BoundedHistory } from '../bounded-history.js';
import { SinchError } from './sinch-error.js';
import type { SinchVerification } from './sinch-verification.js';

/** Bounds the memory of a sandbox that runs for a long time. */
const MAX_VERIFICATIONS = 100_000;

/** Keeps the newest verifications, by id, reference and number. */
export class SinchVerificationStore {
  private readonly byId = new Map<string, SinchVerification>();
  private readonly byReference = new Map<string, SinchVerification>();
  private readonly history = new BoundedHistory<SinchVerification>(MAX_VERIFICATIONS);

  /** @throws SinchError 40900 if another verification has the same reference. */
  addVerification(verification: SinchVerification): void {
    const { id, reference, number } = verification;
    if (reference !== undefined) {
      if (this.byReference.has(reference)) throw new SinchError(40900);
      this.byReference.set(reference, verification);
    }
    this.byId.set(id, verification);
    const removed = this.history.addItem(number, verification);
    if (!removed) return;
    this.byId.delete(removed.id);
    if (removed.reference !== undefined) this.byReference.delete(removed.reference);
  }

  findById(id: string): SinchVerification | undefined {
    return this.byId.get(id);
  }

  findByReference(reference: string): SinchVerification | undefined {
    return this.byReference.get(reference);
  }

  /** Lists the verifications of a phone number, newest first. */
  listByNumber(number: string): SinchVerification[] {
    return this.history.listNewestFirst(number);
  }
}
