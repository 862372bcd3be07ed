import type { Logger } from 'pino';
import type { DeliveryReported } from '../common/delivery-events.js';
import type { CodeChecked, EventBus, MessageSent } from '../common/events.js';

/** Enough characters to find a verification, too few to use it: 48 of the pinId's 128 bits. */
const LOGGED_PIN_ID_LENGTH = 8;

/** The routes that probes and Prometheus poll every few seconds. */
export const MONITORING_ROUTES = /^\/(health|metrics)\b/;

/**
 * Logs the events of requests, verifications, provider calls and delivery reports, without phone
 * numbers and codes.
 */
export function logEvents(events: EventBus, logger: Logger): void {
  events.subscribe('request_completed', (event) => {
    const { context, method, route, status, problem, limit, invalidFields, client } = event;
    const durationMs = roundMs(event.durationMs);
    logger[MONITORING_ROUTES.test(route ?? '') ? 'debug' : 'info'](
      { method, route, status, problem, limit, invalidFields, client, durationMs, ...context },
      'request',
    );
  });
  events.subscribe('message_sent', (event) => {
    const level = event.outcome === 'accepted' ? 'info' : 'warn';
    logger[level](toLogFields(event), event.resend ? 'resend' : 'send');
  });
  events.subscribe('code_checked', (event) => {
    logger[event.outcome === 'unknown' ? 'warn' : 'info'](toLogFields(event), 'verify');
  });
  events.subscribe('verification_cancelled', ({ client, pinId, context }) => {
    logger.info({ client, pinId: truncateId(pinId), ...context }, 'cancel');
  });
  events.subscribe('delivery_reported', (event) => {
    const level = event.outcome === 'delivered' ? 'info' : 'warn';
    logger[level](toLogFields(event), 'delivery');
  });
  events.subscribe('reports_refused', ({ provider, reason, count }) => {
    // An unknown message id is normal: other services may use the same provider account.
    const level = reason === 'unknown_id' ? 'debug' : 'warn';
    logger[level]({ provider, reason, count }, 'delivery reports refused');
  });
  events.subscribe('provider_disagreed', ({ provider, client, pinId }) => {
    const fields = { provider, client, pinId: truncateId(pinId) };
    logger.warn(
      fields,
      'the provider verified a code of a failed, cancelled or expired verification',
    );
  });
}

function toLogFields(event: MessageSent | CodeChecked | DeliveryReported): object {
  const { client, country, channel, provider, outcome } = event;
  const pinId = truncateId(event.pinId);
  const durationMs = roundMs(event.durationMs);
  const context = 'context' in event ? event.context : undefined;
  return { pinId, client, country, channel, provider, outcome, durationMs, ...context };
}

const truncateId = (pinId: string): string => `${pinId.slice(0, LOGGED_PIN_ID_LENGTH)}…`;

const roundMs = (ms: number): number => Math.round(ms * 10) / 10;
