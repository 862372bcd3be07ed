import { normalizeRecipient } from './recipient.js';
import { BoundedHistory } from './bounded-history.js';
import type { ProviderName } from './provider-name.js';

/** With `flashcall`, the caller's number is the PIN. */
export type MessageChannel = 'sms' | 'voice' | 'email' | 'whatsapp' | 'flashcall';

/** A message as the end user receives it. */
export interface InboxMessage {
  /** Digits without `+`; an e-mail address for `email`. */
  readonly to: string;
  readonly from: string;
  readonly channel: MessageChannel;
  readonly text: string;
  readonly pin: string;
  readonly pinId: string;
  readonly provider: ProviderName;
  /** ISO 8601, UTC. */
  readonly sentAt: string;
  /** The id in Infobip's delivery reports, if the client tracks the delivery. Sinch uses `pinId`. */
  readonly messageId?: string;
}

export interface InboxEntry {
  /** Sequence number, from 1. */
  readonly number: number;
  readonly message: InboxMessage;
}

type InboxListener = (entry: InboxEntry) => void;

const MAX_MESSAGES = 10_000;

/** Keeps the messages that were delivered to any phone or mailbox. */
export class MessageInbox {
  private readonly entries = new BoundedHistory<InboxEntry>(MAX_MESSAGES);
  private readonly listeners = new Set<InboxListener>();
  private lastNumber = 0;

  addMessage(message: InboxMessage): void {
    this.lastNumber += 1;
    const entry = { number: this.lastNumber, message };
    this.entries.addItem(normalizeRecipient(message.to), entry);
    this.listeners.forEach((listener) => {
      listener(entry);
    });
  }

  /** Lists the messages to one recipient, or to all, newest first. */
  listMessages(to?: string): InboxMessage[] {
    return this.listEntries(to).map(({ message }) => message);
  }

  /**
   * Lists the entries after a sequence number, oldest first. A number that this inbox has not reached is
   * from before a restart: then it lists all entries.
   */
  listEntriesAfter(number: number, to?: string): InboxEntry[] {
    const start = number > this.lastNumber ? 0 : number;
    return this.listEntries(to)
      .filter((entry) => entry.number > start)
      .reverse();
  }

  clearMessages(): void {
    this.entries.removeAll();
  }

  /** Calls the listener for each new message to one recipient, or to any. @returns unsubscribes. */
  subscribe(listener: InboxListener, to?: string): () => void {
    const recipient = to === undefined ? undefined : normalizeRecipient(to);
    const filterEntries: InboxListener = (entry) => {
      if (recipient === undefined || normalizeRecipient(entry.message.to) === recipient)
        listener(entry);
    };
    this.listeners.add(filterEntries);
    return () => this.listeners.delete(filterEntries);
  }

  private listEntries(to?: string): InboxEntry[] {
    return this.entries.listNewestFirst(to === undefined ? undefined : normalizeRecipient(to));
  }
}
