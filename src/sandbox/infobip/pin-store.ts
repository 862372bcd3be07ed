import { normalizeRecipient } from '../recipient.js';
import { BoundedHistory } from '../bounded-history.js';
import { requireFound } from './application-store.js';
import type { IssuedPin } from './issued-pin.js';

/** Bounds the memory of a sandbox that runs for a long time. */
const MAX_PINS = 100_000;

/** Keeps the newest PINs, by id and by recipient. */
export class PinStore {
  private readonly byId = new Map<string, IssuedPin>();
  private readonly history = new BoundedHistory<IssuedPin>(MAX_PINS);

  addPin(pin: IssuedPin): void {
    this.byId.set(pin.pinId, pin);
    const removed = this.history.addItem(buildGroupKey(pin.applicationId, pin.to), pin);
    if (removed) this.byId.delete(removed.pinId);
  }

  /** @throws InfobipError 404 */
  getPin(pinId: string): IssuedPin {
    return requireFound(this.byId.get(pinId));
  }

  /** @returns `undefined` for an unknown PIN. */
  findRecipient(pinId: string): string | undefined {
    return this.byId.get(pinId)?.to;
  }

  /** Gives a PIN another id. The old id is no longer found. */
  changePinId(pin: IssuedPin, pinId: string): void {
    this.byId.delete(pin.pinId);
    pin.pinId = pinId;
    this.byId.set(pinId, pin);
  }

  /** Lists the PINs of a recipient, newest first. */
  listPinsForRecipient(applicationId: string, to: string): IssuedPin[] {
    return this.history.listNewestFirst(buildGroupKey(applicationId, to));
  }
}

const buildGroupKey = (applicationId: string, to: string) =>
  `${applicationId} ${normalizeRecipient(to)}`;
