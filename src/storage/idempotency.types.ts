import type { UnreadableDataError } from './unreadable-data.error.js';

/** A request that came with an `Idempotency-Key`. */
export interface IdempotentRequest {
  readonly key: string;
  /** Method, path and body: a repeated request must have the same. */
  readonly request: string;
}

/**
 * A run is one execution of a request. It claims the idempotency key, so that no other run executes
 * the request at the same time. A retry after a crash is a new run.
 */
export interface IdempotencyClaim {
  readonly keyHash: string;
  /** Unique for each run. */
  readonly runId: string;
}

/** A claim with its request, which is needed to encrypt the stored response. */
export interface ClaimedIdempotentRequest extends IdempotencyClaim {
  readonly idempotency: IdempotentRequest;
}

/** An earlier run may have sent a message or checked a code, and its result is unknown. */
export interface LostRequestRun {
  readonly outcome: 'ambiguous';
  /** The verification that the run created or changed. */
  readonly pinId: string;
  readonly runId: string;
}

/** The state of an earlier request with the same idempotency key. */
export type EarlierRequestState =
  | { readonly outcome: 'replayed'; readonly response: unknown }
  | LostRequestRun
  | { readonly outcome: 'running' }
  /** The key belongs to another request, or the data of its request was erased. */
  | { readonly outcome: 'key_reused' }
  /** The stored response cannot be decrypted. */
  | UnreadableDataError;
