import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { EventBus } from '../common/events.js';
import { seconds } from '../common/durations.js';

const REQUEST_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const CALL_BUCKETS_S = [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2.5, 5, 10];
const STORAGE_BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 2.5];

const CIRCUIT_STATES = ['closed', 'half_open', 'open'] as const;

/** Labels of every metric about verifications: a conversion rate is one division. */
const OUTCOME = ['country', 'channel', 'provider', 'outcome'] as const;

/**
 * Prometheus metrics of this process. Label values come from closed sets: route patterns, error
 * codes, countries. Labels are passed per call because bound children of the library are no faster.
 */
@Injectable()
export class Metrics {
  readonly registry = new Registry();

  private readonly requests = this.createHistogram(
    'otp_http_request_duration_seconds',
    'Time from the request head to the end of the response. Status 499: the client disconnected.',
    ['method', 'route', 'status'],
    REQUEST_BUCKETS_S,
  );
  private readonly inFlight = new Gauge({
    name: 'otp_http_requests_in_flight',
    help: 'Requests that have no response yet.',
    registers: [this.registry],
  });
  private readonly rejections = this.createCounter(
    'otp_rejections_total',
    'Problem responses by code, and codes rejected before a provider was asked, by reason.',
    ['reason'],
  );
  private readonly providerCalls = this.createHistogram(
    'otp_provider_call_duration_seconds',
    'Provider calls by outcome: ok, or the kind of error.',
    ['provider', 'operation', 'outcome'],
    CALL_BUCKETS_S,
  );
  private readonly circuits = new Gauge({
    name: 'otp_provider_circuit_state',
    help: '1 for the current state of the circuit breaker, 0 for the other states.',
    labelNames: ['provider', 'operation', 'state'],
    registers: [this.registry],
  });
  private readonly sends = this.createCounter(
    'otp_sends_total',
    'Sent codes by outcome: accepted, failed, or ambiguous if a message may have been sent.',
    [...OUTCOME],
  );
  private readonly resends = this.createCounter(
    'otp_resends_total',
    'Resends by outcome, as in otp_sends_total.',
    [...OUTCOME],
  );
  private readonly verifications = this.createCounter(
    'otp_verifications_total',
    'Submitted codes by outcome; unknown if the provider gave no result.',
    [...OUTCOME],
  );
  private readonly fraudDecisions = this.createCounter(
    'otp_fraud_checks_total',
    'Messages checked for SMS pumping, by decision and by scope of the exceeded budget.',
    ['decision', 'scope', 'country'],
  );
  private readonly storage = this.createHistogram(
    'otp_storage_operation_duration_seconds',
    'Storage operations by outcome.',
    ['operation', 'outcome'],
    STORAGE_BUCKETS_S,
  );
  private readonly lostLogLines = this.createCounter(
    'otp_log_lines_lost_total',
    'Log lines lost because standard output could not be written.',
    [],
  );

  constructor(events: EventBus) {
    collectDefaultMetrics({ register: this.registry });
    events.subscribe('request_started', () => {
      this.inFlight.inc();
    });
    events.subscribe('request_completed', (event) => {
      const { method = 'none', route = 'none', status, problem, durationMs } = event;
      this.inFlight.dec();
      this.requests.observe({ method, route, status }, durationMs / seconds(1));
      if (problem) this.rejections.inc({ reason: problem });
    });
    events.subscribe('code_rejected', ({ reason }) => {
      this.rejections.inc({ reason });
    });
    events.subscribe('provider_call_completed', ({ provider, operation, durationMs, error }) => {
      const outcome = error?.failure ?? 'ok';
      this.providerCalls.observe({ provider, operation, outcome }, durationMs / seconds(1));
    });
    events.subscribe('circuit_state_changed', (event) => {
      const { provider, operation } = event;
      for (const state of CIRCUIT_STATES) {
        this.circuits.set({ provider, operation, state }, state === event.state ? 1 : 0);
      }
    });
    events.subscribe('message_sent', ({ country, channel, provider, outcome, resend }) => {
      (resend ? this.resends : this.sends).inc({ country, channel, provider, outcome });
    });
    events.subscribe('code_checked', ({ country, channel, provider, outcome }) => {
      this.verifications.inc({ country, channel, provider, outcome });
    });
    events.subscribe('fraud_check_completed', ({ decision, scope, country }) => {
      this.fraudDecisions.inc({ decision, scope, country });
    });
    events.subscribe('storage_operation_completed', ({ operation, error, durationMs }) => {
      const outcome = error === undefined ? 'ok' : 'failed';
      this.storage.observe({ operation, outcome }, durationMs / seconds(1));
    });
    events.subscribe('log_lines_lost', ({ lines }) => {
      this.lostLogLines.inc(lines);
    });
  }

  private createCounter<L extends string>(name: string, help: string, labelNames: L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  private createHistogram<L extends string>(
    name: string,
    help: string,
    labelNames: L[],
    buckets: number[],
  ): Histogram<L> {
    return new Histogram({ name, help, labelNames, buckets, registers: [this.registry] });
  }
}
