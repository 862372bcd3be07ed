/**
 * The fields of Sinch's Verification API that this service reads. Responses are not validated, so fields
 * are `unknown`: each reader checks the values it uses.
 */
export interface SinchVerificationResponse {
  readonly id?: unknown;
  /** `PENDING`, `SUCCESSFUL`, `FAIL`, `DENIED`, `ABORTED`, `ERROR`, in mixed case; absent after a start. */
  readonly status?: unknown;
  /** `Invalid code`, `Expired`, …: an open list. */
  readonly reason?: unknown;
  /** The phone number, with `+`; not in every response. */
  readonly identity?: null | { readonly endpoint?: unknown };
}

export interface SinchErrorBody {
  /** 40001, …: a number in every sample, a string in one list of fields. */
  readonly errorCode?: unknown;
}

/** The method for SMS, calls and WhatsApp. It also names the field that contains the code. */
export type SinchMethod = 'sms' | 'callout' | 'whatsapp';

/** A callback: an event of a verification. Each field may be absent. */
export interface SinchCallback {
  /** `VerificationRequestEvent`, `VerificationResultEvent`, `VerificationSmsDeliveredEvent` */
  readonly event?: unknown;
  /** The id of the verification. */
  readonly id?: unknown;
  /** `sms`, `callout`, `whatsapp`; `flashcall` and `seamless` of other clients of the application */
  readonly method?: unknown;
  /** The phone number, with `+`. */
  readonly identity?: null | { readonly endpoint?: unknown };
  /** The reference that the send gave. */
  readonly reference?: unknown;
  readonly price?: null | { readonly amount?: unknown; readonly currencyId?: unknown };
  /** The status of a `VerificationResultEvent`: an open list. */
  readonly status?: unknown;
  /** The reason for that status: an open list. */
  readonly reason?: unknown;
  /** `Successful`, `Failed`: an open list. */
  readonly smsResult?: unknown;
}
