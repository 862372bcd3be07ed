/**
 * What Sinch's Verification API says on the wire, as far as this service reads it. An answer may be
 * anything, so these are types of hope: each reader checks the values it uses.
 */
export interface VerificationResponse {
  readonly id?: unknown;
  /** `PENDING`, `SUCCESSFUL`, `FAIL`, `DENIED`, `ABORTED`, `ERROR`, in mixed case; absent on a start. */
  readonly status?: unknown;
  /** `Invalid code`, `Expired`, …: an open list. */
  readonly reason?: unknown;
  /** The number it is about, with `+`; not in every answer. */
  readonly identity?: null | { readonly endpoint?: unknown };
}

export interface ErrorBody {
  /** 40001, …: a number in every sample, a string in one list of fields. */
  readonly errorCode?: unknown;
}

/** Sinch's words for an SMS and a call; each is also the name of the field that holds the code. */
export type Method = 'sms' | 'callout';
