export type Channel = 'sms' | 'voice';

/** A text as the phone shows it. */
export interface Message {
  /** Digits without `+`, as the vendor was asked. */
  readonly to: string;
  readonly from: string;
  readonly channel: Channel;
  readonly text: string;
  readonly pin: string;
  readonly pinId: string;
  /** ISO 8601, UTC. */
  readonly sentAt: string;
}

/** As with pins: a bound, so that a sandbox left running does not grow. */
const KEPT_MESSAGES = 10_000;

/** Every phone in the world: what a vendor delivers arrives here. */
export class Phone {
  private messages: Message[] = [];

  receive(message: Message): void {
    this.messages.push(message);
    if (this.messages.length >= 2 * KEPT_MESSAGES)
      this.messages = this.messages.slice(-KEPT_MESSAGES);
  }

  /** Newest first; all phones, or the one with this number (written in any way). */
  inbox(to?: string): Message[] {
    const digits = to?.replace(/\D/g, '');
    return this.messages
      .filter((message) => digits === undefined || message.to === digits)
      .reverse();
  }
}
