import { UNDELIVERED_REASONS, type DeliveryStatus } from '../common/delivery-status.js';
import type { Clock } from '../common/clock.js';
import { isTestProvider } from '../providers/test-number.provider.js';
import type { ClaimedEvent, EventHistory, EventDelivery } from '../storage/webhook-event.types.js';

/** The body of an event as JSON; docs/events.md describes its fields. */
export function createWebhookBody(
  event: ClaimedEvent,
  history: EventHistory,
  clock: Clock,
): string {
  const toText = (time: number): string => clock.toDate(time).toISOString();
  const { phoneNumber, country, channel, provider, eventReference, deliveries } = history;
  const isEnd = event.type !== 'message.undelivered';
  const data = {
    pinId: event.pinId,
    client: event.client,
    to: phoneNumber.masked,
    ...(country !== '' && { country }),
    channel,
    provider,
    ...(isTestProvider(provider) && { test: true }),
    createdAt: toText(history.createdAt),
    expiresAt: toText(history.expiresAt),
    ...(isEnd && { endedAt: toText(event.occurredAt) }),
    sends: history.sends,
    attempts: history.attempts,
    ...(eventReference !== undefined && { eventReference }),
    ...(deliveries.length > 0 && {
      delivery: deliveries.map((delivery) => describeDelivery(delivery, toText)),
    }),
  };
  return JSON.stringify({ type: event.type, timestamp: toText(event.occurredAt), data });
}

function describeDelivery(
  { channel, provider, sentAt, status, at }: EventDelivery,
  toText: (time: number) => string,
) {
  const isUndelivered = isReason(status);
  return {
    channel,
    provider,
    sentAt: toText(sentAt),
    status: isUndelivered ? 'undelivered' : status,
    ...(isUndelivered && { reason: status }),
    ...(at !== undefined && { at: toText(at) }),
  };
}

const isReason = (status: DeliveryStatus): boolean =>
  UNDELIVERED_REASONS.some((reason) => reason === status);
