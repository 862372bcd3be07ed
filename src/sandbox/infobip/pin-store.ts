import { normalizeAddress } from '../address.js';
import { BoundedHistory } from '../bounded-history.js';
import { orNotFound } from './application-store.js';
import type { IssuedPin } from './issued-pin.js';

/** Far more than any run needs; it keeps a sandbox that is left running from growing. */
const MAX_PINS = 100_000;

/** The PINs that were made lately, found by id and by whom they went to. */
export class PinStore {
  private readonly byId = new Map<string, IssuedPin>();
  private readonly history = new BoundedHistory<IssuedPin>(MAX_PINS);

  addPin(pin: IssuedPin): void {
    this.byId.set(pin.pinId, pin);
    const forgotten = this.history.addItem(buildGroupKey(pin.applicationId, pin.to), pin);
    if (forgotten) this.byId.delete(forgotten.pinId);
  }

  /** @throws ApiError 404 */
  getPin(pinId: string): IssuedPin {
    return orNotFound(this.byId.get(pinId));
  }

  findAddress(pinId: string): string | undefined {
    return this.byId.get(pinId)?.to;
  }

  /** Gives a PIN another id; the one that it had is forgotten. */
  changePinId(pin: IssuedPin, pinId: string): void {
    this.byId.delete(pin.pinId);
    pin.pinId = pinId;
    this.byId.set(pinId, pin);
  }

  /** Newest first. */
  listPinsSentTo(applicationId: string, to: string): IssuedPin[] {
    return this.history.listNewestFirst(buildGroupKey(applicationId, to));
  }
}

const buildGroupKey = (applicationId: string, to: string) =>
  `${applicationId} ${normalizeAddress(to)}`;
