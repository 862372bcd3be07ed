import type { UnreadableDataError } from './unreadable-data.error.js';

/** A request that came with an `Idempotency-Key`. */
export interface IdempotentRequest {
  readonly key: string;
  /** Method, path and body: a repeated request must have the same. */
  readonly request: string;
}

/** The claim of one run to the idempotency key of its request. A retry after a crash is another run. */
export interface IdempotencyClaim {
  readonly keyHash: string;
  /** Unique for each run. */
  readonly runId: string;
}

/** A claim with its request, to which the stored response is bound. */
export interface ClaimedIdempotentRequest extends IdempotencyClaim {
  readonly idempotency: IdempotentRequest;
}

/** An earlier run may have sent a message or checked a code, and its result is unknown. */
export interface LostRequestRun {
  readonly outcome: 'ambiguous';
  /** Its verification. */
  readonly pinId: string;
  readonly runId: string;
}

/** The state of an earlier request with the same idempotency key. */
export type IdempotentReplay =
  | { readonly outcome: 'replayed'; readonly answer: unknown }
  | LostRequestRun
  | { readonly outcome: 'running' }
  | { readonly outcome: 'key_reused' }
  | UnreadableDataError;
