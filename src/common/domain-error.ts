/** Everything that can be wrong, in this service's own words. `http/` maps each to a status. */
export type ErrorKind =
  | 'validation_failed'
  | 'malformed_body'
  | 'request_timeout'
  | 'payload_too_large'
  | 'unsupported_media_type'
  | 'unauthenticated'
  | 'destination_not_allowed'
  | 'not_found'
  | 'verification_not_found'
  | 'method_not_allowed'
  | 'request_in_progress'
  | 'not_resendable'
  | 'idempotency_key_reused'
  | 'destination_unreachable'
  | 'too_many_requests'
  | 'cooldown_active'
  | 'quota_exceeded'
  | 'destination_suspended'
  | 'internal_error'
  | 'provider_error'
  | 'provider_unavailable'
  | 'overloaded'
  | 'storage_unavailable'
  | 'provider_timeout';

/** One field of a request that was not accepted. */
export interface FieldFault {
  /** JSON pointer as a URI fragment (RFC 6901 §6): `#/phoneNumber`. */
  readonly pointer: string;
  /** What to do about it. Never repeats the value. */
  readonly detail: string;
}

interface DomainErrorOptions extends ErrorOptions {
  /** How long the caller should wait before it asks again, in milliseconds. */
  readonly retryAfterMs?: number;
  readonly faults?: readonly FieldFault[];
  /** Whether this is what an earlier request with the same idempotency key ended with. */
  readonly replayed?: boolean;
}

/**
 * A request that ends without its result. Thrown by services, turned into a problem document by
 * the problem filter. The message is shown to the caller unless the status is 5xx, so it carries
 * no phone number, code, key or provider text.
 */
export class DomainError extends Error {
  override readonly name: string = 'DomainError';
  readonly retryAfterMs: number | undefined;
  readonly faults: readonly FieldFault[] | undefined;
  readonly replayed: boolean;

  constructor(
    readonly kind: ErrorKind,
    message: string,
    { retryAfterMs, faults, replayed = false, ...options }: DomainErrorOptions = {},
  ) {
    super(message, options);
    this.retryAfterMs = retryAfterMs;
    this.faults = faults;
    this.replayed = replayed;
  }
}

/** `validation_failed`: the request has these faults. */
export function invalidRequest(faults: readonly FieldFault[]): DomainError {
  return new DomainError('validation_failed', 'Mend what `errors` names and send again.', {
    faults,
  });
}
