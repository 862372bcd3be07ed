import type { Channel } from '../common/channel.js';
import type { DeliveryStatus } from '../common/delivery-status.js';
import type { PhoneNumber } from '../common/phone-number.js';
import type { WebhookEventType } from '../common/webhook-event.js';

/** An event that one replica is sending. Times are milliseconds since the epoch. */
export interface ClaimedEvent {
  /** The same for every try. */
  readonly eventId: string;
  readonly pinId: string;
  /** The hash of the message that the event is about; empty for the end of the verification. */
  readonly subject: string;
  readonly type: WebhookEventType;
  readonly client: string;
  readonly occurredAt: number;
  readonly createdAt: number;
  /** Tries of this event so far, the current try included. */
  readonly tries: number;
}

/** The verification that an event describes, read when the event is sent. */
export interface EventContent {
  readonly phoneNumber: PhoneNumber;
  /** ISO 3166 code, or `001` if non-geographic; empty in rows from before budgets existed. */
  readonly country: string;
  readonly channel: Channel;
  readonly provider: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** 0 for a test number. */
  readonly sends: number;
  /** The codes that were checked. */
  readonly attempts: number;
  readonly eventReference: string | undefined;
  /** The delivery of every message, the oldest first; empty without delivery reports. */
  readonly deliveries: readonly EventDelivery[];
}

/** The delivery of one message. */
export interface EventDelivery {
  /** The `subject` of an event about this message. */
  readonly messageHash: string;
  readonly channel: Channel | '';
  readonly provider: string;
  readonly sentAt: number;
  readonly status: DeliveryStatus;
  /** When the message got this status; `undefined` without a report. */
  readonly at: number | undefined;
}
