import { normalizeAddress } from './address.js';
import { BoundedHistory } from './bounded-history.js';
import type { ProviderName } from './provider-name.js';

/** Of `flashcall` a phone shows who rang: that number is the PIN. */
export type MessageChannel = 'sms' | 'voice' | 'email' | 'whatsapp' | 'flashcall';

/** A text as the phone shows it. */
export interface InboxMessage {
  /** Digits without `+`; an e-mail address for `email`. */
  readonly to: string;
  readonly from: string;
  readonly channel: MessageChannel;
  readonly text: string;
  readonly pin: string;
  readonly pinId: string;
  /** Who sent it. */
  readonly provider: ProviderName;
  /** ISO 8601, UTC. */
  readonly sentAt: string;
}

export interface InboxEntry {
  /** Counts up from 1. */
  readonly number: number;
  readonly message: InboxMessage;
}

type InboxListener = (received: InboxEntry) => void;

const MAX_MESSAGES = 10_000;

/** Every phone in the world: what a vendor delivers arrives here. */
export class MessageInbox {
  private readonly entries = new BoundedHistory<InboxEntry>(MAX_MESSAGES);
  private readonly listeners = new Set<InboxListener>();
  private messageCount = 0;

  addMessage(message: InboxMessage): void {
    this.messageCount += 1;
    const received = { number: this.messageCount, message };
    this.entries.addItem(normalizeAddress(message.to), received);
    this.listeners.forEach((listener) => {
      listener(received);
    });
  }

  /** Newest first; all phones, or the one with this number (written in any way). */
  listMessages(to?: string): InboxMessage[] {
    return this.listEntries(to).map(({ message }) => message);
  }

  /** What came after the message with this number, oldest first. */
  listEntriesAfter(number: number, to?: string): InboxEntry[] {
    return this.listEntries(to)
      .filter((received) => received.number > number)
      .reverse();
  }

  clearMessages(): void {
    this.entries.removeAll();
  }

  /** Tells of each message as it arrives, on all phones or on one. @returns what ends it. */
  subscribe(listener: InboxListener, to?: string): () => void {
    const address = to === undefined ? undefined : normalizeAddress(to);
    const chosen: InboxListener = (received) => {
      if (address === undefined || normalizeAddress(received.message.to) === address)
        listener(received);
    };
    this.listeners.add(chosen);
    return () => this.listeners.delete(chosen);
  }

  private listEntries(to?: string): InboxEntry[] {
    return this.entries.listNewestFirst(to === undefined ? undefined : normalizeAddress(to));
  }
}
