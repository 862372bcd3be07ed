import type { Channel } from '../common/channel.js';
import type { DeliveryStatus } from '../common/delivery-status.js';
import type { PhoneNumber } from '../common/phone-number.js';
import type { WebhookEventType } from '../common/webhook-event.js';

/** An event that a replica has taken to send it. Times are milliseconds since the epoch. */
export interface ClaimedEvent {
  /** The same for every try. */
  readonly eventId: string;
  readonly pinId: string;
  /** Empty for the end of the verification. */
  readonly subject: string;
  readonly type: WebhookEventType;
  readonly client: string;
  readonly occurredAt: number;
  readonly createdAt: number;
  /** This try included. */
  readonly tries: number;
}

/** What an event says of its verification, as it is when the event is sent. */
export interface EventHistory {
  readonly phoneNumber: PhoneNumber;
  /** Empty in rows from before budgets existed. */
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
  /** Empty without delivery reports. */
  readonly deliveries: readonly EventDelivery[];
}

/** One message, the oldest first. */
export interface EventDelivery {
  readonly channel: Channel | '';
  readonly provider: string;
  readonly sentAt: number;
  readonly status: DeliveryStatus;
  /** `undefined` without a report. */
  readonly at: number | undefined;
}
