import { setTimeout as delay } from 'node:timers/promises';
import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import { parseTraceParent } from '@opentelemetry/core';
import type { TracerProvider } from '@opentelemetry/sdk-trace';
import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
} from '@opentelemetry/semantic-conventions';
import { seconds } from '../common/durations.js';
import type { EventBus, ServiceEventOf } from '../common/events.js';
import type { RequestContext } from '../common/request-context.js';
import { MONITORING_ROUTES } from './event-logger.js';
import type { CollectorConfig } from './trace-exporter.js';
import { createTracerProvider } from './tracer-provider.js';

/** How long the shutdown waits for the last export, in milliseconds. */
const FLUSH_TIMEOUT_MS = seconds(2);

/** The trace of one request. */
interface RequestTrace {
  readonly span: Span;
  /** The context that makes the request's span the parent of the spans of its steps. */
  readonly context: Context;
  /** Unix time minus `performance.now()`: one value for every span of the request. */
  readonly timeOriginMs: number;
}

/** A storage operation or a provider call that has just ended. */
interface CompletedStep {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  readonly durationMs: number;
  /** An error code from a closed set; `undefined` if the step succeeded. */
  readonly error: string | undefined;
}

/**
 * Traces requests, with their storage operations and provider calls. Spans hold only values from
 * closed sets: no number, code, pinId, path, IP address or header. Attributes have the names of
 * OpenTelemetry's semantic conventions, or begin with `otp.`.
 */
export class Tracing implements OnApplicationShutdown {
  private readonly logger = new Logger('Traces');
  private readonly traces = new WeakMap<RequestContext, RequestTrace>();
  private readonly tracerProvider: TracerProvider;
  private readonly tracer: Tracer;

  constructor(config: CollectorConfig, events: EventBus) {
    this.tracerProvider = createTracerProvider(config);
    this.tracer = this.tracerProvider.getTracer('otp-service');
    events.subscribe('request_completed', (event) => {
      this.endRequest(event);
    });
    events.subscribe('storage_operation_completed', ({ context, operation, durationMs, error }) => {
      const attributes = { 'otp.operation': operation };
      const name = `storage ${operation}`;
      this.addStep(context, { name, kind: SpanKind.INTERNAL, attributes, durationMs, error });
    });
    events.subscribe('provider_call_completed', (event) => {
      const { context, provider, operation, durationMs } = event;
      const attributes = { 'otp.provider': provider, 'otp.operation': operation };
      const name = `${provider} ${operation}`;
      const error = event.error?.failure;
      this.addStep(context, { name, kind: SpanKind.CLIENT, attributes, durationMs, error });
    });
  }

  /**
   * Starts the span of a request, as a child of its `traceparent`. Requests for health and metrics
   * get no span.
   * @returns the context for all further work on the request; its `traceId` is for the log
   */
  startRequest(context: RequestContext, method: string, route = ''): RequestContext {
    if (MONITORING_ROUTES.test(route)) return context;
    const { requestId, traceparent } = context;
    const startTime = Date.now();
    const timeOriginMs = startTime - performance.now();
    const span = this.tracer.startSpan(
      route === '' ? method : `${method} ${route}`,
      { kind: SpanKind.SERVER, startTime },
      createParentContext(traceparent),
    );
    const { traceId } = span.spanContext();
    const traced: RequestContext =
      traceparent === undefined ? { requestId, traceId } : { requestId, traceparent, traceId };
    this.traces.set(traced, { span, context: trace.setSpan(ROOT_CONTEXT, span), timeOriginMs });
    return traced;
  }

  /** Exports the last spans. All requests have ended before. */
  async onApplicationShutdown(): Promise<void> {
    // The exporter logs a failure itself.
    const flushed = this.tracerProvider.shutdown().catch(() => undefined);
    const timeout = Symbol();
    const first = await Promise.race([flushed, delay(FLUSH_TIMEOUT_MS, timeout, { ref: false })]);
    if (first === timeout) this.logger.warn('The last traces were not exported.');
  }

  private endRequest(event: ServiceEventOf<'request_completed'>): void {
    const { context, method, route, status, problem, client } = event;
    const requestTrace = this.traces.get(context);
    if (!requestTrace) return;
    const { span, timeOriginMs } = requestTrace;
    span.setAttributes({
      [ATTR_HTTP_REQUEST_METHOD]: method,
      [ATTR_HTTP_ROUTE]: route,
      [ATTR_HTTP_RESPONSE_STATUS_CODE]: status,
      'otp.client': client,
      'otp.problem': problem,
    });
    // For a 4xx, the convention leaves the status of a server span unset.
    if (status >= 500) setError(span, problem ?? String(status));
    span.end(timeOriginMs + performance.now());
  }

  /** Adds the span of a step; none if it belongs to no traced request. */
  private addStep(context: RequestContext | undefined, step: CompletedStep): void {
    const requestTrace = context && this.traces.get(context);
    if (!requestTrace) return;
    const { name, kind, attributes, durationMs, error } = step;
    const endTime = requestTrace.timeOriginMs + performance.now();
    const options = { kind, attributes, startTime: endTime - durationMs };
    const span = this.tracer.startSpan(name, options, requestTrace.context);
    if (error !== undefined) setError(span, error);
    span.end(endTime);
  }
}

function setError(span: Span, code: string): void {
  span.setAttribute(ATTR_ERROR_TYPE, code);
  span.setStatus({ code: SpanStatusCode.ERROR, message: code });
}

/** The client's `tracestate` is left out: it may contain anything, and would be exported. */
function createParentContext(traceparent: string | undefined): Context {
  const parent = traceparent === undefined ? null : parseTraceParent(traceparent);
  return parent ? trace.setSpanContext(ROOT_CONTEXT, { ...parent, isRemote: true }) : ROOT_CONTEXT;
}
