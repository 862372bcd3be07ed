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

/** The state of an earlier request with the same idempotency key. */
export type IdempotentReplay =
  | { readonly outcome: 'replayed'; readonly answer: unknown }
  /** It may have sent a message, and its result is unknown. */
  | { readonly outcome: 'ambiguous' }
  | { readonly outcome: 'running' }
  | { readonly outcome: 'key_reused' }
  | UnreadableDataError;
