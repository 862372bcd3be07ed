import { normalizeAddress } from '../address.js';
import { BoundedHistory } from '../bounded-history.js';
import { found } from './catalogue.js';
import type { Pin } from './pin.js';

/** Far more than any run needs; it keeps a sandbox that is left running from growing. */
const KEPT_PINS = 100_000;

/** The PINs that were made lately, found by id and by whom they went to. */
export class Pins {
  private readonly byId = new Map<string, Pin>();
  private readonly recent = new BoundedHistory<Pin>(KEPT_PINS);

  keep(pin: Pin): void {
    this.byId.set(pin.pinId, pin);
    const forgotten = this.recent.addItem(groupOf(pin.applicationId, pin.to), pin);
    if (forgotten) this.byId.delete(forgotten.pinId);
  }

  /** @throws ApiError 404 */
  get(pinId: string): Pin {
    return found(this.byId.get(pinId));
  }

  addressOf(pinId: string): string | undefined {
    return this.byId.get(pinId)?.to;
  }

  /** Gives a PIN another id; the one that it had is forgotten. */
  rename(pin: Pin, pinId: string): void {
    this.byId.delete(pin.pinId);
    pin.pinId = pinId;
    this.byId.set(pinId, pin);
  }

  /** Newest first. */
  sentTo(applicationId: string, to: string): Pin[] {
    return this.recent.listNewestFirst(groupOf(applicationId, to));
  }
}

const groupOf = (applicationId: string, to: string) => `${applicationId} ${normalizeAddress(to)}`;
