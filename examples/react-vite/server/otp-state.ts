/** All that the browser learns. `pinId`, API key and the whole number stay on the server. */
export interface OtpAnswer {
  state: OtpState;
  /** Why the last action did not succeed. */
  problem?: OtpProblem;
}

/** The step that this browser's session has reached. */
export type OtpState =
  | { step: 'number' }
  | {
      step: 'code';
      /** The masked number. */
      to: string;
      validForSeconds: number;
      resendInSeconds: number;
    }
  /** The code can no longer be used. */
  | { step: 'over'; to: string; reason: OverReason; resendInSeconds: number }
  | { step: 'verified'; to: string };

export type OverReason = 'expired' | 'attempts_exhausted' | 'already_verified' | 'cancelled';

export type OtpAction = 'request' | 'resend' | 'verify' | 'restart';

export interface OtpProblem {
  action: OtpAction;
  code:
    | 'wrong_code'
    /** Not a phone number. */
    | 'invalid_number'
    /** Not a code, such as one with too few digits. */
    | 'invalid_code'
    | 'no_session'
    /** A phone number to which the service sends no codes, or which no phone has. */
    | 'number_not_possible'
    | 'too_soon'
    | 'limit_reached'
    /** The service sends no codes to this country or number prefix for now. */
    | 'area_suspended'
    | 'outcome_unknown'
    | 'unavailable';
  /** After a wrong code: how many more codes can be tried. */
  attemptsRemaining?: number;
  /** How long to wait before the next try; undefined if that is unknown. */
  retryAfterSeconds?: number;
}
