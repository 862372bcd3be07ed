import type { DeliveryStatus } from './delivery-status.js';

/** A provider's report of the delivery of one message. */
export interface DeliveryReport {
  /** The provider's id of the message. */
  readonly messageId: string;
  readonly status: DeliveryStatus;
  /** Time of the status (provider's clock), in milliseconds since the epoch; absent if not reported. */
  readonly statusAt?: number | undefined;
  /** Absent if the report has no price. */
  readonly price?: MessagePrice | undefined;
}

/** What the provider charges for the message. */
export interface MessagePrice {
  /** Decimal text, as the provider writes it. */
  readonly amount: string;
  /** ISO 4217 code. */
  readonly currency: string;
}
