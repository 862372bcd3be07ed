import { AsyncLocalStorage } from 'node:async_hooks';

/** By what everything that is done for one request can be found together. */
export interface RequestContext {
  readonly requestId: string;
  /** The caller's place in a trace (W3C Trace Context), if it is in one. */
  readonly traceparent?: string;
}

/** The request that is worked on; `undefined` for work that nobody asked for. */
export const requestContext = new AsyncLocalStorage<RequestContext>();
