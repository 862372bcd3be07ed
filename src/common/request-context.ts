/**
 * Correlation data of one request. It is passed explicitly: AsyncLocalStorage costs about 20 % of a
 * request's CPU time on Node 20.
 */
export interface RequestContext {
  readonly requestId: string;
  /** The client's position in a trace (W3C Trace Context), if there is one. */
  readonly traceparent?: string;
  /** The id of the trace, if traces are exported. */
  readonly traceId?: string;
}
