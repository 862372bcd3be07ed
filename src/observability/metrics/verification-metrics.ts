import { Counter, type Registry } from 'prom-client';
import type { EventBus } from '../../common/events.js';
import { FRAUD_DECISIONS, BUDGET_SCOPES } from '../../common/label-values.js';
import { startAtZero } from './start-at-zero.js';

/** The labels of both sends and verifications, so that a conversion rate is one division. */
const LABELS = ['country', 'channel', 'provider', 'outcome'] as const;

/** Counts sent and checked codes, and fraud checks, by country. */
export function registerVerificationMetrics(registry: Registry, events: EventBus): void {
  const sends = new Counter({
    name: 'otp_sends_total',
    help: 'Sent codes by outcome: accepted, failed, or ambiguous if a message may have been sent.',
    labelNames: LABELS,
    registers: [registry],
  });
  const resends = new Counter({
    name: 'otp_resends_total',
    help: 'Resends by outcome, as in otp_sends_total.',
    labelNames: LABELS,
    registers: [registry],
  });
  const verifications = new Counter({
    name: 'otp_verifications_total',
    help: 'Submitted codes by outcome; unknown if the provider gave no result, or it could not be stored.',
    labelNames: LABELS,
    registers: [registry],
  });
  const fraudChecks = new Counter({
    name: 'otp_fraud_checks_total',
    help: 'Messages checked for SMS pumping, by decision and by scope of the exceeded budget.',
    labelNames: ['decision', 'scope', 'country'],
    registers: [registry],
  });
  const countries = new Set<string>();

  events.subscribe('message_sent', ({ country, channel, provider, outcome, resend }) => {
    (resend ? resends : sends).inc({ country, channel, provider, outcome });
  });
  events.subscribe('code_checked', ({ country, channel, provider, outcome }) => {
    verifications.inc({ country, channel, provider, outcome });
  });
  events.subscribe('fraud_check_completed', ({ decision, scope, country }) => {
    if (!countries.has(country)) {
      countries.add(country);
      startAtZero(fraudChecks, {
        decision: FRAUD_DECISIONS.filter((name) => name !== 'allowed'),
        scope: BUDGET_SCOPES,
        country: [country],
      });
    }
    fraudChecks.inc({ decision, scope, country });
  });
}
