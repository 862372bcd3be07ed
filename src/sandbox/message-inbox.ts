import { randomInt } from 'node:crypto';
import { normalizeRecipient } from './recipient.js';
import { BoundedHistory } from './bounded-history.js';
import type { ProviderName } from './provider-name.js';

/** With `flashcall`, the caller's number is the PIN. */
export type MessageChannel = 'sms' | 'voice' | 'email' | 'whatsapp' | 'flashcall';

/** A message as the end user receives it. */
export interface InboxMessage {
  /** Digits without `+`; an e-mail address for `email`. */
  readonly to: string;
  /** The sender; for `flashcall`, the caller's number. */
  readonly from: string;
  readonly channel: MessageChannel;
  readonly text: string;
  readonly pin: string;
  /** Infobip's id of the PIN, or Sinch's id of the verification. */
  readonly pinId: string;
  readonly provider: ProviderName;
  /** ISO 8601, UTC. */
  readonly sentAt: string;
  /** The id in Infobip's delivery reports, if the client tracks the delivery. Sinch reports `pinId`. */
  readonly messageId?: string;
}

export interface InboxEntry {
  /** Sequence number in the inbox. The first one is random. */
  readonly number: number;
  readonly message: InboxMessage;
}

type InboxListener = (entry: InboxEntry) => void;

const MAX_MESSAGES = 10_000;
/** So large that two inboxes do not have the same numbers. */
const MAX_FIRST_NUMBER = 2 ** 47;

/** Keeps the messages that were delivered to any phone or mailbox. */
export class MessageInbox {
  private readonly entries = new BoundedHistory<InboxEntry>(MAX_MESSAGES);
  private readonly listeners = new Set<InboxListener>();
  /** Starts at random, so that a number from before a restart of the sandbox hides no message. */
  private lastNumber = randomInt(MAX_FIRST_NUMBER);

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
   * Lists the entries after a sequence number, oldest first. Lists all if the number is above the last one or
   * below the first one: it is from before a restart of the sandbox.
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

  /**
   * Calls the listener for each new message to one recipient, or to any.
   * @returns a function that unsubscribes the listener
   */
  subscribe(listener: InboxListener, to?: string): () => void {
    const recipient = to === undefined ? undefined : normalizeRecipient(to);
    const filteredListener: InboxListener = (entry) => {
      if (recipient === undefined || normalizeRecipient(entry.message.to) === recipient)
        listener(entry);
    };
    this.listeners.add(filteredListener);
    return () => this.listeners.delete(filteredListener);
  }

  private listEntries(to?: string): InboxEntry[] {
    return this.entries.listNewestFirst(to === undefined ? undefined : normalizeRecipient(to));
  }
}
