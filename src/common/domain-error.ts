import { ERROR_CATALOG, type ErrorCode } from './error-catalog.js';
import type { LimitName } from './label-values.js';

/** One invalid field of a request. */
export interface FieldError {
  /** JSON pointer as a URI fragment (RFC 6901 §6): `#/phoneNumber`. */
  readonly pointer: string;
  /** How to fix it. Never repeats the value. */
  readonly detail: string;
}

/** What the audit log says about a refused request. Clients do not see it. */
export interface AuditDetails {
  /** Country of the number that gets no message: ISO 3166 code, or `001`. */
  readonly country?: string | undefined;
  /** IP address of a caller without a valid API key. */
  readonly address?: string;
  /**
   * Whether the same limit has already refused a request of this client or address in this minute.
   */
  readonly isRepeated?: boolean;
}

interface DomainErrorOptions extends ErrorOptions {
  /** Replaces the catalog's message. Clients see it, except at 5xx, where only the log has it. */
  readonly message?: string | undefined;
  /** Replaces the catalog's message for clients at 5xx. Contains nothing that only operators may see. */
  readonly publicMessage?: string | undefined;
  /** Replaces the catalog's action, what the client does next, except at 5xx. */
  readonly action?: string | undefined;
  /** How long the client should wait before a retry, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** The limit that was reached. For operators: clients do not see it. */
  readonly limit?: LimitName;
  readonly fieldErrors?: readonly FieldError[];
  readonly auditDetails?: AuditDetails;
  /** Whether an earlier request with the same idempotency key ended with this error. */
  readonly replayed?: boolean;
}

/**
 * A request failed for a known reason. The exception filter turns it into a problem document. The
 * message is public unless the status is 5xx: it contains no phone number, code, key or provider text.
 */
export class DomainError extends Error {
  override readonly name: string = 'DomainError';
  readonly publicMessage: string | undefined;
  readonly action: string;
  readonly retryAfterMs: number | undefined;
  readonly limit: LimitName | undefined;
  readonly fieldErrors: readonly FieldError[] | undefined;
  readonly auditDetails: AuditDetails | undefined;
  readonly replayed: boolean;

  constructor(
    readonly code: ErrorCode,
    {
      message,
      publicMessage,
      action,
      retryAfterMs,
      limit,
      fieldErrors,
      auditDetails,
      replayed = false,
      ...options
    }: DomainErrorOptions = {},
  ) {
    super(message ?? ERROR_CATALOG[code].message, options);
    this.publicMessage = publicMessage;
    this.action = action ?? ERROR_CATALOG[code].action;
    this.retryAfterMs = retryAfterMs;
    this.limit = limit;
    this.fieldErrors = fieldErrors;
    this.auditDetails = auditDetails;
    this.replayed = replayed;
  }
}
