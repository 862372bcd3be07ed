import { createServer, type IncomingHttpHeaders } from 'node:http';
import { listen } from './listen.js';

/** A span, as the collector decodes it. */
interface CollectedSpan {
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client';
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  /** Nanoseconds of Unix time. */
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** The message of the status, if that is an error. */
  readonly error: string | undefined;
}

/** An OpenTelemetry collector that keeps the traces it receives (OTLP over HTTP, as JSON). */
export interface OtlpCollector {
  readonly url: string;
  readonly spans: readonly CollectedSpan[];
  /** The attributes of the service (`resource`) in each export. */
  readonly resources: readonly Readonly<Record<string, unknown>>[];
  readonly requests: readonly { readonly path: string; readonly headers: IncomingHttpHeaders }[];
  /** The bodies of all requests, one per line. */
  readonly text: string;
  close(): Promise<void>;
}

interface AnyValue {
  readonly stringValue?: string;
  readonly intValue?: number | string;
}

interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}

interface OtlpSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly KeyValue[];
  readonly status: { readonly code: number; readonly message?: string };
}

/** The part of ExportTraceServiceRequest (opentelemetry-proto) that tests read. */
interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

const KINDS = { 1: 'internal', 2: 'server', 3: 'client' } as const;
const STATUS_ERROR = 2;

/** @param status returns the HTTP status of the next response; `undefined` for no response */
export async function startOtlpCollector(
  status: () => number | undefined = () => 200,
): Promise<OtlpCollector> {
  const requests: { path: string; headers: IncomingHttpHeaders }[] = [];
  const bodies: string[] = [];
  const exportRequests = () => bodies.map((body) => JSON.parse(body) as ExportRequest);
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      requests.push({ path: request.url ?? '', headers: request.headers });
      bodies.push(body);
      const code = status();
      if (code === undefined) return;
      response.writeHead(code, { 'content-type': 'application/json' }).end('{}');
    });
  });
  return {
    ...(await listen(server)),
    requests,
    get spans() {
      return exportRequests()
        .flatMap(({ resourceSpans }) => resourceSpans)
        .flatMap(({ scopeSpans }) => scopeSpans)
        .flatMap(({ spans }) => spans)
        .map(decodeSpan);
    },
    get resources() {
      return exportRequests()
        .flatMap(({ resourceSpans }) => resourceSpans)
        .map(({ resource }) => decodeAttributes(resource.attributes));
    },
    get text() {
      return bodies.join('\n');
    },
  };
}

const decodeSpan = (span: OtlpSpan): CollectedSpan => ({
  name: span.name,
  kind: KINDS[span.kind as keyof typeof KINDS],
  traceId: span.traceId,
  spanId: span.spanId,
  parentSpanId: span.parentSpanId,
  start: BigInt(span.startTimeUnixNano),
  end: BigInt(span.endTimeUnixNano),
  attributes: decodeAttributes(span.attributes),
  error: span.status.code === STATUS_ERROR ? span.status.message : undefined,
});

const decodeAttributes = (attributes: readonly KeyValue[]): Record<string, unknown> =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]),
  );
