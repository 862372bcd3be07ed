import { Logger } from '@nestjs/common';
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import type { TracingConfig } from '../config/tracing.config.js';

/** How long one export may take, its retries included, in milliseconds. */
const EXPORT_TIMEOUT_MS = 10_000;

/** The settings of tracing, if a collector is set. */
export type CollectorConfig = TracingConfig & { readonly endpoint: string };

/** Sends spans to the collector, and logs the beginning and the end of an outage. */
export class TraceExporter implements SpanExporter {
  private readonly logger = new Logger('Traces');
  private readonly exporter: SpanExporter;
  private isFailing = false;

  constructor({ endpoint, headers }: CollectorConfig) {
    this.exporter = new OTLPTraceExporter({
      url: `${endpoint}/v1/traces`,
      headers: Object.fromEntries(headers),
      timeoutMillis: EXPORT_TIMEOUT_MS,
    });
  }

  export(spans: ReadableSpan[], callback: (result: ExportResult) => void): void {
    this.exporter.export(spans, (result) => {
      this.logOutageChange(result);
      callback(result);
    });
  }

  shutdown(): Promise<void> {
    return this.exporter.shutdown();
  }

  private logOutageChange({ code, error }: ExportResult): void {
    const hasFailed = code !== ExportResultCode.SUCCESS;
    if (hasFailed === this.isFailing) return;
    this.isFailing = hasFailed;
    if (hasFailed) {
      this.logger.error(`Traces cannot be exported and are dropped: ${describe(error)}`);
    } else {
      this.logger.warn('Traces are exported again.');
    }
  }
}

/**
 * The HTTP status, Node's error code or the exporter's message. Not the collector's response, which
 * may repeat a header.
 */
function describe(error: (Error & { code?: number | string }) | undefined): string {
  const { code, message = 'unknown error' } = error ?? {};
  return typeof code === 'number' ? `status ${String(code)}` : (code ?? message);
}
