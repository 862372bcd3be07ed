import { normalizeAddress } from './address.js';

const MAX_PINS = 10_000;

/** PINs that some addresses always get, in place of random ones. */
export class FixedPinStore {
  private readonly pins = new Map<string, string>();

  /** @returns whether there was room for one more. */
  setPin(to: string, pin: string): boolean {
    const address = normalizeAddress(to);
    if (this.pins.size >= MAX_PINS && !this.pins.has(address)) return false;
    this.pins.set(address, pin);
    return true;
  }

  /** Of one address, or of all. */
  clearPins(to?: string): void {
    if (to === undefined) this.pins.clear();
    else this.pins.delete(normalizeAddress(to));
  }

  findPin(to: string): string | undefined {
    return this.pins.size === 0 ? undefined : this.pins.get(normalizeAddress(to));
  }
}
