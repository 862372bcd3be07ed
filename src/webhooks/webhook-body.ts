import { toClientDelivery } from '../common/delivery-status.js';
import type { Clock } from '../common/clock.js';
import { isTestProvider } from '../providers/test-number.provider.js';
import type { ClaimedEvent, EventContent, EventDelivery } from '../storage/webhook-event.types.js';

/** The body of an event as JSON; docs/events.md describes its fields. */
export function createWebhookBody(
  event: ClaimedEvent,
  content: EventContent,
  clock: Clock,
): string {
  const toText = (time: number): string => clock.toDate(time).toISOString();
  const { phoneNumber, country, channel, provider, eventReference, deliveries } = content;
  const hasExpired = clock.now() >= content.expiresAt;
  const endsVerification = event.type !== 'message.undelivered';
  const describe = (delivery: EventDelivery) => describeDelivery(delivery, hasExpired, toText);
  const failed = deliveries.find(({ messageHash }) => messageHash === event.subject);
  const data = {
    pinId: event.pinId,
    client: event.client,
    to: phoneNumber.masked,
    ...(country !== '' && { country }),
    channel,
    provider,
    ...(isTestProvider(provider) && { test: true }),
    createdAt: toText(content.createdAt),
    expiresAt: toText(content.expiresAt),
    ...(endsVerification && { endedAt: toText(event.occurredAt) }),
    sends: content.sends,
    attempts: content.attempts,
    ...(eventReference !== undefined && { eventReference }),
    ...(failed && { message: describe(failed) }),
    ...(deliveries.length > 0 && { delivery: deliveries.map(describe) }),
  };
  return JSON.stringify({ type: event.type, timestamp: toText(event.occurredAt), data });
}

/** The status is the same as in `GET /otp/{pinId}`. */
const describeDelivery = (
  { channel, provider, sentAt, status, at }: EventDelivery,
  hasExpired: boolean,
  toText: (time: number) => string,
) => ({
  channel,
  provider,
  sentAt: toText(sentAt),
  ...toClientDelivery({ status, at }, hasExpired, toText),
});
