import type { Registry } from 'prom-client';
import { seconds } from '../../common/durations.js';
import { ERROR_CODES } from '../../common/error-catalog.js';
import type { EventBus } from '../../common/events.js';
import { LIMITS, VERIFICATION_CLOSED_REASONS } from '../../common/label-values.js';
import { createCounter, createGauge, createHistogram } from './create-metric.js';

const BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Times requests by route, and counts why requests were rejected. */
export function registerRequestMetrics(registry: Registry, events: EventBus): void {
  const requests = createHistogram(
    registry,
    'otp_http_request_duration_seconds',
    'Time from the request head to the end of the response. Status 499: the client disconnected.',
    ['method', 'route', 'status'],
    BUCKETS_S,
  );
  const inFlight = createGauge(
    registry,
    'otp_http_requests_in_flight',
    'Requests that have no response yet.',
    [],
  );
  const rejections = createCounter(
    registry,
    'otp_rejections_total',
    'Problem responses by problem code, and unchecked codes by why the verification is closed.',
    { reason: [...ERROR_CODES, ...VERIFICATION_CLOSED_REASONS] },
  );
  const limits = createCounter(
    registry,
    'otp_limits_reached_total',
    'Requests answered 429, by the limit that was reached.',
    { limit: LIMITS },
  );
  const replays = createCounter(
    registry,
    'otp_idempotent_replays_total',
    'Responses that repeat the one to an earlier request with the same idempotency key.',
    [],
  );

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
