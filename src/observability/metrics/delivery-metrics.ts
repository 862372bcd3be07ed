import { Counter, Histogram, type Registry } from 'prom-client';
import { CHANNELS } from '../../common/channel.js';
import { DELIVERY_STATUSES } from '../../common/delivery-status.js';
import { seconds } from '../../common/durations.js';
import type { EventBus } from '../../common/events.js';
import { REPORT_REFUSALS } from '../../common/label-values.js';
import { startAtZero } from './start-at-zero.js';

/** Most messages take seconds; a phone may be switched on an hour later. */
const BUCKETS_S = [1, 2, 5, 10, 20, 30, 60, 120, 300, 900, 3_600];

/** A message that is still on its way is not counted. */
const COUNTED_STATUSES = DELIVERY_STATUSES.filter((status) => status !== 'pending');

/**
 * Counts messages by their delivery, refused delivery reports, and reports of verified codes that
 * contradict this service.
 * @param providers names of the providers whose delivery reports are switched on
 */
export function registerDeliveryMetrics(
  registry: Registry,
  events: EventBus,
  providers: readonly string[],
): void {
  const reports = new Counter({
    name: 'otp_deliveries_total',
    help: 'Messages by what their provider reports: delivered, unknown, or why they did not arrive.',
    labelNames: ['country', 'channel', 'provider', 'outcome'],
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'otp_delivery_duration_seconds',
    help: 'Time from the send of a message to its delivery, as its provider reports it.',
    labelNames: ['provider', 'channel'],
    buckets: BUCKETS_S,
    registers: [registry],
  });
  startAtZero(durations, { provider: providers, channel: CHANNELS });
  const refused = new Counter({
    name: 'otp_delivery_reports_refused_total',
    help: 'Delivery reports that changed nothing, by reason. unknown_id: the message is not known yet, or at all.',
    labelNames: ['provider', 'reason'],
    registers: [registry],
  });
  startAtZero(refused, { provider: providers, reason: REPORT_REFUSALS });
  const disagreements = new Counter({
    name: 'otp_provider_disagreements_total',
    help: 'Codes that the provider says it verified, although their verifications are failed, cancelled or expired.',
    labelNames: ['provider'],
    registers: [registry],
  });
  startAtZero(disagreements, { provider: providers });

  const createdSeries = new Set<string>();
  // A series starts with 0 at a message, so that Prometheus sees its first report as an increase.
  events.subscribe('message_sent', ({ country, channel, provider }) => {
    const key = `${country} ${channel} ${provider}`;
    if (createdSeries.has(key) || !providers.includes(provider)) return;
    createdSeries.add(key);
    for (const outcome of COUNTED_STATUSES) reports.inc({ country, channel, provider, outcome }, 0);
  });
  events.subscribe('delivery_reported', (event) => {
    const { country, channel, provider, outcome } = event;
    reports.inc({ country, channel, provider, outcome });
    if (outcome === 'delivered') {
      durations.observe({ provider, channel }, event.durationMs / seconds(1));
    }
  });
  events.subscribe('reports_refused', ({ provider, reason, count }) => {
    refused.inc({ provider, reason }, count);
  });
  events.subscribe('provider_disagreed', ({ provider }) => {
    disagreements.inc({ provider });
  });
}
