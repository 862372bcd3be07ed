import { METRICS_PATH } from '../observability/metrics-server.js';
import type { Endpoint } from './endpoint.js';

/** No controller's: it may have a port of its own. */
export const METRICS: Endpoint = {
  path: METRICS_PATH,
  method: 'get',
  open: true,
  limited: false,
  operationId: 'getMetrics',
  tag: 'Health',
  summary: 'Read the metrics',
  description:
    'In the Prometheus text format. With `METRICS_PORT` they are on a port of their own, and not here.',
  answers: { 200: { description: 'The metrics.', text: true } },
  problems: ['not_found'],
};
