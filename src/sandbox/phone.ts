import { canonicalAddress } from './address.js';
import { Recent } from './recent.js';
import type { Vendor } from './vendor.js';

/** Of `flashcall` a phone shows who rang: that number is the PIN. */
export type Channel = 'sms' | 'voice' | 'email' | 'whatsapp' | 'flashcall';

/** A text as the phone shows it. */
export interface Message {
  /** Digits without `+`; an e-mail address for `email`. */
  readonly to: string;
  readonly from: string;
  readonly channel: Channel;
  readonly text: string;
  readonly pin: string;
  readonly pinId: string;
  /** Who sent it. */
  readonly provider: Vendor;
  /** ISO 8601, UTC. */
  readonly sentAt: string;
}

export interface Received {
  /** Counts up from 1. */
  readonly number: number;
  readonly message: Message;
}

type Listener = (received: Received) => void;

const KEPT_MESSAGES = 10_000;

/** Every phone in the world: what a vendor delivers arrives here. */
export class Phone {
  private readonly messages = new Recent<Received>(KEPT_MESSAGES);
  private readonly listeners = new Set<Listener>();
  private received = 0;

  receive(message: Message): void {
    this.received += 1;
    const received = { number: this.received, message };
    this.messages.add(canonicalAddress(message.to), received);
    this.listeners.forEach((listener) => {
      listener(received);
    });
  }

  /** Newest first; all phones, or the one with this number (written in any way). */
  inbox(to?: string): Message[] {
    return this.list(to).map(({ message }) => message);
  }

  /** What came after the message with this number, oldest first. */
  since(number: number, to?: string): Received[] {
    return this.list(to)
      .filter((received) => received.number > number)
      .reverse();
  }

  clear(): void {
    this.messages.clear();
  }

  /** Tells of each message as it arrives, on all phones or on one. @returns what ends it. */
  listen(listener: Listener, to?: string): () => void {
    const address = to === undefined ? undefined : canonicalAddress(to);
    const chosen: Listener = (received) => {
      if (address === undefined || canonicalAddress(received.message.to) === address)
        listener(received);
    };
    this.listeners.add(chosen);
    return () => this.listeners.delete(chosen);
  }

  private list(to?: string): Received[] {
    return this.messages.list(to === undefined ? undefined : canonicalAddress(to));
  }
}
