import type { DeliveryStatus } from './delivery-status.js';

/** What a provider reports of one message. */
export interface DeliveryReport {
  /** The provider's id of the message. */
  readonly messageId: string;
  readonly status: DeliveryStatus;
  /** By the provider's clock, in milliseconds since the epoch; absent if the report has no time. */
  readonly statusAt?: number | undefined;
  readonly price?: MessagePrice | undefined;
}

/** What the provider charges. */
export interface MessagePrice {
  /** Decimal text, as the provider writes it. */
  readonly amount: string;
  /** ISO 4217 code. */
  readonly currency: string;
}
