import type { Registry } from 'prom-client';
import type { EventBus } from '../../common/events.js';
import { FRAUD_DECISIONS, BUDGET_SCOPES } from '../../common/label-values.js';
import { createCounter } from './create-metric.js';

/** The labels of both sends and verifications, so that a conversion rate is one division. */
const LABELS = ['country', 'channel', 'provider', 'outcome'] as const;

/** Counts sent and checked codes, and fraud checks, by country. */
export function registerVerificationMetrics(registry: Registry, events: EventBus): void {
  const sends = createCounter(
    registry,
    'otp_sends_total',
    'Sent codes by outcome: accepted, failed, or ambiguous if a message may have been sent.',
    LABELS,
  );
  const resends = createCounter(
    registry,
    'otp_resends_total',
    'Resends by outcome, as in otp_sends_total.',
    LABELS,
  );
  const verifications = createCounter(
    registry,
    'otp_verifications_total',
    'Submitted codes by outcome; unknown if the provider gave no result, or it could not be stored.',
    LABELS,
  );
  const fraudChecks = createCounter(
    registry,
    'otp_fraud_checks_total',
    'Messages checked for SMS pumping, by decision and by scope of the exceeded budget.',
    ['decision', 'scope', 'country'],
  );
  const countries = new Set<string>();
  /** Starts a country's series with 0, so that Prometheus sees its first block as an increase. */
  const createFraudSeries = (country: string): void => {
    for (const scope of BUDGET_SCOPES) {
      for (const decision of FRAUD_DECISIONS.filter((name) => name !== 'allowed')) {
        fraudChecks.inc({ decision, scope, country }, 0);
      }
    }
  };

  events.subscribe('message_sent', ({ country, channel, provider, outcome, resend }) => {
    (resend ? resends : sends).inc({ country, channel, provider, outcome });
  });
  events.subscribe('code_checked', ({ country, channel, provider, outcome }) => {
    verifications.inc({ country, channel, provider, outcome });
  });
  events.subscribe('fraud_check_completed', ({ decision, scope, country }) => {
    if (!countries.has(country)) {
      countries.add(country);
      createFraudSeries(country);
    }
    fraudChecks.inc({ decision, scope, country });
  });
}
