import { canonicalAddress } from './address.js';

const MOST = 10_000;

/** PINs that some addresses always get, in place of random ones. */
export class FixedPins {
  private readonly pins = new Map<string, string>();

  /** @returns whether there was room for one more. */
  fix(to: string, pin: string): boolean {
    const address = canonicalAddress(to);
    if (this.pins.size >= MOST && !this.pins.has(address)) return false;
    this.pins.set(address, pin);
    return true;
  }

  /** Of one address, or of all. */
  free(to?: string): void {
    if (to === undefined) this.pins.clear();
    else this.pins.delete(canonicalAddress(to));
  }

  of(to: string): string | undefined {
    return this.pins.size === 0 ? undefined : this.pins.get(canonicalAddress(to));
  }
}
