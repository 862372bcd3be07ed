import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { seconds } from '../../common/durations.js';
import { ERROR_CODES } from '../../common/error-catalog.js';
import type { EventBus } from '../../common/events.js';
import { LIMITS, VERIFICATION_CLOSED_REASONS } from '../../common/label-values.js';
import { startAtZero } from './start-at-zero.js';

const BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Times requests by route, and counts why requests were rejected. */
export function registerRequestMetrics(registry: Registry, events: EventBus): void {
  const requests = new Histogram({
    name: 'otp_http_request_duration_seconds',
    help: 'Time from the request head to the end of the response. Status 499: the client disconnected.',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS_S,
    registers: [registry],
  });
  const inFlight = new Gauge({
    name: 'otp_http_requests_in_flight',
    help: 'Requests that have no response yet.',
    registers: [registry],
  });
  const rejections = new Counter({
    name: 'otp_rejections_total',
    help: 'Problem responses by problem code, and unchecked codes by why the verification is closed.',
    labelNames: ['reason'],
    registers: [registry],
  });
  startAtZero(rejections, { reason: [...ERROR_CODES, ...VERIFICATION_CLOSED_REASONS] });
  const limits = new Counter({
    name: 'otp_limits_reached_total',
    help: 'Requests answered 429, by the limit that was reached.',
    labelNames: ['limit'],
    registers: [registry],
  });
  startAtZero(limits, { limit: LIMITS });
  const replays = new Counter({
    name: 'otp_idempotent_replays_total',
    help: 'Responses that repeat the one to an earlier request with the same idempotency key.',
    registers: [registry],
  });

  events.subscribe('request_started', () => {
    inFlight.inc();
  });
  events.subscribe('request_completed', (event) => {
    const { method = 'none', route = 'none', status, problem, limit, replayed } = event;
    inFlight.dec();
    requests.observe({ method, route, status }, event.durationMs / seconds(1));
    if (problem) rejections.inc({ reason: problem });
    if (limit) limits.inc({ limit });
    if (replayed) replays.inc();
  });
  events.subscribe('code_rejected', ({ reason }) => {
    rejections.inc({ reason });
  });
}
