import type { Channel } from './channel.js';
import type { DeliveryStatus } from './delivery-status.js';
import type { ReportRefusal } from './label-values.js';

/** A provider reported what became of a message. */
export interface DeliveryReported {
  readonly type: 'delivery_reported';
  readonly pinId: string;
  readonly client: string;
  readonly provider: string;
  readonly channel: Channel;
  readonly country: string;
  readonly outcome: DeliveryStatus;
  /** Time from the send (this service's clock) to this status (the provider's clock); at least 0. */
  readonly durationMs: number;
}

/** Delivery reports were invalid, too old, or of unknown messages, and changed no message. */
export interface ReportsRefused {
  readonly type: 'reports_refused';
  readonly provider: string;
  readonly reason: ReportRefusal;
  readonly count: number;
}

/** A provider says that it verified a code, but the verification is failed, cancelled or expired. */
export interface ProviderDisagreed {
  readonly type: 'provider_disagreed';
  readonly provider: string;
  readonly pinId: string;
  readonly client: string;
}
