import type { Registry } from 'prom-client';
import type { EventBus } from '../../common/events.js';
import { WEBHOOK_EVENT_TYPES, WEBHOOK_OUTCOMES } from '../../common/webhook-event.js';
import { createCounter } from './create-metric.js';

/** Counts the tries to send events to `EVENTS_URL`. */
export function registerWebhookMetrics(registry: Registry, events: EventBus): void {
  const tries = createCounter(
    registry,
    'otp_events_total',
    'Tries to send an event by outcome: sent, failed (to be tried again), or abandoned.',
    { type: WEBHOOK_EVENT_TYPES, outcome: WEBHOOK_OUTCOMES },
  );
  events.subscribe('webhook_completed', ({ event, outcome }) => {
    tries.inc({ type: event, outcome });
  });
}
