import { normalizeAddress } from './address.js';

/** Bounds the memory of a sandbox that runs for a long time. */
const MAX_PINS = 10_000;

/** PINs that a test has chosen for an address, in place of random ones. */
export class FixedPinStore {
  private readonly pins = new Map<string, string>();

  /** @returns false if the store is full. */
  setPin(to: string, pin: string): boolean {
    const address = normalizeAddress(to);
    if (this.pins.size >= MAX_PINS && !this.pins.has(address)) return false;
    this.pins.set(address, pin);
    return true;
  }

  deletePin(to: string): void {
    this.pins.delete(normalizeAddress(to));
  }

  clear(): void {
    this.pins.clear();
  }

  findPin(to: string): string | undefined {
    return this.pins.size === 0 ? undefined : this.pins.get(normalizeAddress(to));
  }
}
