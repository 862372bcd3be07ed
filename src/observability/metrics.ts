import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { Events, type CircuitState, type ServiceEvent } from '../common/events.js';
import { seconds } from '../common/durations.js';

const REQUEST_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const CALL_BUCKETS_S = [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2.5, 5, 10];
const STORE_BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 2.5];

const CIRCUIT_STATES = ['closed', 'half_open', 'open'] as const satisfies readonly CircuitState[];

/** Where a verification stands: with the same labels on all, a conversion is one division. */
const DESTINATION = ['country', 'channel', 'provider'] as const;

/**
 * Counts what happens in this process, for Prometheus. Every label's values are from a closed set:
 * routes as they were made, words of the code, countries. Labels are given as they are needed,
 * because the library's bound children cost no less.
 */
@Injectable()
export class Metrics {
  private readonly registry = new Registry();

  private readonly requests = this.histogram(
    'otp_http_request_duration_seconds',
    'From the head of a request to the end of its answer. Status 499: the caller hung up before.',
    ['method', 'route', 'status'],
    REQUEST_BUCKETS_S,
  );
  private readonly inFlight = new Gauge({
    name: 'otp_http_requests_in_flight',
    help: 'Requests that have no answer yet.',
    registers: [this.registry],
  });
  private readonly refusals = this.counter(
    'otp_refusals_total',
    'Requests that did not get their result, by the code of the problem, and codes that no provider was asked about, by the reason.',
    ['reason'],
  );
  private readonly calls = this.histogram(
    'otp_provider_call_duration_seconds',
    'Calls of a provider, by how they ended: ok, or what failed.',
    ['provider', 'operation', 'outcome'],
    CALL_BUCKETS_S,
  );
  private readonly circuits = new Gauge({
    name: 'otp_provider_circuit_state',
    help: '1 for the state that the circuit of a provider and operation is in, 0 for the others.',
    labelNames: ['provider', 'operation', 'state'],
    registers: [this.registry],
  });
  private readonly sends = this.counter(
    'otp_sends_total',
    'New codes asked of the providers: taken, failed, or ambiguous, after which a text may have left.',
    [...DESTINATION, 'outcome'],
  );
  private readonly resends = this.counter(
    'otp_resends_total',
    'Codes sent once more, as otp_sends_total.',
    [...DESTINATION, 'outcome'],
  );
  private readonly verifications = this.counter(
    'otp_verifications_total',
    'Codes brought, by what they came to; unjudged where the provider did not say.',
    [...DESTINATION, 'outcome'],
  );
  private readonly decisions = this.counter(
    'otp_pumping_guard_decisions_total',
    'Texts that the pumping guard allowed, refused, or would have refused (observed), by whose budget was exceeded.',
    ['decision', 'region', 'country'],
  );
  private readonly store = this.histogram(
    'otp_store_operation_duration_seconds',
    'Operations on the records.',
    ['operation', 'outcome'],
    STORE_BUCKETS_S,
  );

  constructor(events: Events) {
    collectDefaultMetrics({ register: this.registry });
    events.listen((event) => {
      this.count(event);
    });
  }

  /** What the page says that it is. */
  get contentType(): string {
    return this.registry.contentType;
  }

  /** All of them, in Prometheus' text format. */
  page(): Promise<string> {
    return this.registry.metrics();
  }

  private count(event: ServiceEvent): void {
    switch (event.type) {
      case 'request_begun':
        this.inFlight.inc();
        return;
      case 'request_answered': {
        const { method = 'none', route = 'none', status, problem, durationMs } = event;
        this.inFlight.dec();
        this.requests.observe({ method, route, status }, durationMs / seconds(1));
        if (problem) this.refusals.inc({ reason: problem });
        return;
      }
      case 'code_refused':
        this.refusals.inc({ reason: event.reason });
        return;
      case 'provider_called': {
        const { provider, operation, durationMs, error } = event;
        const outcome = error?.failure ?? 'ok';
        this.calls.observe({ provider, operation, outcome }, durationMs / seconds(1));
        return;
      }
      case 'circuit_changed':
        for (const state of CIRCUIT_STATES) {
          const { provider, operation } = event;
          this.circuits.set({ provider, operation, state }, state === event.state ? 1 : 0);
        }
        return;
      case 'text_sent': {
        const { country, channel, provider, outcome, resend } = event;
        (resend ? this.resends : this.sends).inc({ country, channel, provider, outcome });
        return;
      }
      case 'code_judged': {
        const { country, channel, provider, outcome } = event;
        this.verifications.inc({ country, channel, provider, outcome });
        return;
      }
      case 'text_weighed': {
        const { decision, region, country } = event;
        this.decisions.inc({ decision, region, country });
        return;
      }
      case 'store_used': {
        const { operation, failed, durationMs } = event;
        const outcome = failed ? 'failed' : 'ok';
        this.store.observe({ operation, outcome }, durationMs / seconds(1));
        return;
      }
      // Seen in the log.
      case 'verification_cancelled':
        return;
    }
  }

  private counter<L extends string>(name: string, help: string, labelNames: L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  private histogram<L extends string>(
    name: string,
    help: string,
    labelNames: L[],
    buckets: number[],
  ): Histogram<L> {
    return new Histogram({ name, help, labelNames, buckets, registers: [this.registry] });
  }
}
