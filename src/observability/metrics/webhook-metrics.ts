import { Counter, type Registry } from 'prom-client';
import type { EventBus } from '../../common/events.js';
import { WEBHOOK_EVENT_TYPES, WEBHOOK_OUTCOMES } from '../../common/webhook-event.js';
import { startAtZero } from './start-at-zero.js';

/** Counts the tries to send events to `EVENTS_URL`. */
export function registerWebhookMetrics(registry: Registry, events: EventBus): void {
  const tries = new Counter({
    name: 'otp_events_total',
    help: 'Tries to send an event by outcome: sent, failed (to be tried again), or abandoned.',
    labelNames: ['type', 'outcome'],
    registers: [registry],
  });
  startAtZero(tries, { type: WEBHOOK_EVENT_TYPES, outcome: WEBHOOK_OUTCOMES });
  events.subscribe('webhook_completed', ({ event, outcome }) => {
    tries.inc({ type: event, outcome });
  });
}
