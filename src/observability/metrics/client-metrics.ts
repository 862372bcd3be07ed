import { Counter, type Registry } from 'prom-client';
import type { EventBus } from '../../common/events.js';
import { CHECK_OUTCOMES, SEND_OUTCOMES } from '../../common/label-values.js';
import { startAtZero } from './start-at-zero.js';

/** Labels requests without a valid API key, and all requests if no API keys are configured. */
const NO_CLIENT = 'none';

const API_PREFIX = '/otp/';

const RESULTS = ['ok', 'rejected', 'unauthenticated', 'limited', 'aborted', 'failed'] as const;

/**
 * Counts what each client does. These counters have the label client instead of country or route:
 * with both, the number of series would be their product.
 * @param names of the clients at the start; only later changes of `CLIENTS_FILE` add clients
 */
export function registerClientMetrics(
  registry: Registry,
  events: EventBus,
  names: readonly string[],
): void {
  const clients = new Set([...names, NO_CLIENT]);
  events.subscribe('client_rules_changed', ({ client: added }) => clients.add(added));
  const toLabel = (client = NO_CLIENT): string => (clients.has(client) ? client : NO_CLIENT);
  const client = [...clients];
  const requests = new Counter({
    name: 'otp_client_requests_total',
    help: 'Requests to /otp/ by client and result. aborted: the client disconnected. failed: 5xx.',
    labelNames: ['client', 'result'],
    registers: [registry],
  });
  startAtZero(requests, { client, result: RESULTS });
  const sends = new Counter({
    name: 'otp_client_sends_total',
    help: 'Sent and resent codes by client and outcome.',
    labelNames: ['client', 'outcome'],
    registers: [registry],
  });
  startAtZero(sends, { client, outcome: SEND_OUTCOMES });
  const verifications = new Counter({
    name: 'otp_client_verifications_total',
    help: 'Submitted codes by client and outcome; unknown if the provider gave no result, or it could not be stored.',
    labelNames: ['client', 'outcome'],
    registers: [registry],
  });
  startAtZero(verifications, { client, outcome: CHECK_OUTCOMES });

  events.subscribe('request_completed', (event) => {
    if (event.route?.startsWith(API_PREFIX) !== true) return;
    requests.inc({ client: toLabel(event.client), result: toResult(event.status) });
  });
  events.subscribe('message_sent', (event) => {
    sends.inc({ client: toLabel(event.client), outcome: event.outcome });
  });
  events.subscribe('code_checked', (event) => {
    verifications.inc({ client: toLabel(event.client), outcome: event.outcome });
  });
}

function toResult(status: number): (typeof RESULTS)[number] {
  if (status >= 500) return 'failed';
  if (status < 400) return 'ok';
  switch (status) {
    case 401:
      return 'unauthenticated';
    case 429:
      return 'limited';
    case 499:
      return 'aborted';
    default:
      return 'rejected';
  }
}
