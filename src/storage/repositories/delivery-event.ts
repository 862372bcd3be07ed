import type { DeliveryReported } from '../../common/delivery-events.js';
import type { ReportedMessage } from './message-queries.js';

/** The event of a message with a new status; none without a report, or while it is on its way. */
export function toDeliveryEvent(message: ReportedMessage): DeliveryReported[] {
  const { channel, status, status_at, sent_at } = message;
  if (status === 'pending' || status_at === 0 || channel === '') return [];
  return [
    {
      type: 'delivery_reported',
      pinId: message.pin_id,
      client: message.client,
      provider: message.provider,
      channel,
      country: message.country,
      outcome: status,
      durationMs: Math.max(0, status_at - sent_at),
    },
  ];
}
