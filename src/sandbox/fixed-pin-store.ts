import { normalizeRecipient } from './recipient.js';

/** Bounds the memory of a sandbox that runs for a long time. */
const MAX_PINS = 10_000;

/** PINs that a test has chosen for a recipient, in place of random ones. */
export class FixedPinStore {
  private readonly pins = new Map<string, string>();

  /** @returns false if the store is full. */
  setPin(to: string, pin: string): boolean {
    const recipient = normalizeRecipient(to);
    if (this.pins.size >= MAX_PINS && !this.pins.has(recipient)) return false;
    this.pins.set(recipient, pin);
    return true;
  }

  deletePin(to: string): void {
    this.pins.delete(normalizeRecipient(to));
  }

  clear(): void {
    this.pins.clear();
  }

  findPin(to: string): string | undefined {
    return this.pins.get(normalizeRecipient(to));
  }
}
