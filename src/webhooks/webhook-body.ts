import { findUndeliveredReason } from '../common/delivery-status.js';
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
  const hasExpired = clock.now() >= history.expiresAt;
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
      delivery: deliveries.map((delivery) => describeDelivery(delivery, hasExpired, toText)),
    }),
  };
  return JSON.stringify({ type: event.type, timestamp: toText(event.occurredAt), data });
}

function describeDelivery(
  { channel, provider, sentAt, status, at }: EventDelivery,
  hasExpired: boolean,
  toText: (time: number) => string,
) {
  const reason = findUndeliveredReason(status);
  // As `GET /otp/{pinId}` has it: nothing more is expected of an expired code.
  const otherStatus = status === 'pending' && hasExpired ? 'unknown' : status;
  return {
    channel,
    provider,
    sentAt: toText(sentAt),
    status: reason === undefined ? otherStatus : 'undelivered',
    ...(reason !== undefined && { reason }),
    ...(at !== undefined && { at: toText(at) }),
  };
}
