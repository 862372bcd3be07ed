/* Written by `npm run client:types` from openapi.json. */

/** Where to send a code, and for what. */
export interface SendRequest {
  /**
   * The number to send the code to. In E.164 form: `+`, country code, at most 15 digits. Spaces, hyphens, dots, parentheses and invisible characters are ignored.
   * @example +14155552671
   */
  readonly phoneNumber: string;
  /**
   * How the code is delivered.
   *
   * - `sms`: as a text message; the default
   * - `voice`: read out in a call
   * - `whatsapp`: as a WhatsApp message, if a provider of this service has it
   * @example sms
   */
  readonly channel?: ('sms' | 'voice' | 'whatsapp') | undefined;
  /**
   * What the code is for, such as a login attempt or a payment: verify must repeat it. 1 to 128 characters; only a keyed hash of it is stored.
   * @example login-4711
   */
  readonly reference?: string | undefined;
  /**
   * A value of yours, such as the id of an order: returned in the events of this verification and nowhere else. 1 to 128 characters, stored encrypted.
   * @example login-4711
   */
  readonly eventReference?: string | undefined;
  /**
   * The IP address of the end user, IPv4 or IPv6 (of which the /64 counts). Limits your messages for one user, so that nobody can send codes to many numbers.
   * @example 203.0.113.7
   */
  readonly endUserIp?: string | undefined;
  /**
   * The language of the message, as a BCP 47 tag; a resend keeps it. A language without a message of its own gets the nearest more general one, or else the default.
   * @example pt-BR
   */
  readonly locale?: string | undefined;
}

/** The provider has accepted the message. */
export interface SendResult {
  /**
   * Handle of the verification: random, opaque, URL-safe.
   * @example q8Jt1Xn0S2uYp4rVb6wLzA
   */
  readonly pinId: string;
  /**
   * The phone number, masked.
   * @example +1415•••2671
   */
  readonly to: string;
  /**
   * How the code was delivered.
   *
   * - `sms`: as a text message
   * - `voice`: read out in a call
   * - `whatsapp`: as a WhatsApp message
   * @example sms
   */
  readonly channel: 'sms' | 'voice' | 'whatsapp';
  /**
   * From this time on the code is rejected. ISO 8601, UTC.
   * @example 2030-01-01T00:05:00.000Z
   */
  readonly expiresAt: string;
  /**
   * How many digits the code has. Absent if that is not known, or if codes may have letters.
   * @example 6
   */
  readonly codeLength?: number | undefined;
  /**
   * Before this time no other message is sent to the number. ISO 8601, UTC.
   * @example 2030-01-01T00:00:30.000Z
   */
  readonly resendAvailableAt: string;
}

/** The verification whose code to send again. */
export interface ResendRequest {
  /**
   * The `pinId` returned by send.
   * @example q8Jt1Xn0S2uYp4rVb6wLzA
   */
  readonly pinId: string;
  /**
   * How the code is delivered.
   *
   * - `sms`: as a text message; the default
   * - `voice`: read out in a call
   * - `whatsapp`: as a WhatsApp message, if a provider of this service has it
   * @example sms
   */
  readonly channel?: ('sms' | 'voice' | 'whatsapp') | undefined;
}

export type VerifyRequest = VerifyByPinId | VerifyByPhoneNumber;

/** Selects the verification by the `pinId` that send returned. */
export interface VerifyByPinId {
  /**
   * The `pinId` returned by send.
   * @example q8Jt1Xn0S2uYp4rVb6wLzA
   */
  readonly pinId: string;
  /**
   * The code that the end user typed, as a string: 4 to 10 digits or letters. Spaces, hyphens and invisible characters are ignored. The digits may be of any script. If the length of the code is known, another length is a 400 at `#/otpCode`, which costs no attempt.
   * @example 123456
   */
  readonly otpCode: string;
  /**
   * The `reference` given to send.
   * @example login-4711
   */
  readonly reference?: string | undefined;
  /**
   * Asks for a `proof` in the response: a signed statement for another service that the number was verified. The value is the `aud` of the proof, which the other service compares with its own name. 400 if this service issues no proofs.
   * @example orders
   */
  readonly proofFor?: string | undefined;
}

/** Selects the newest verification of the number. */
export interface VerifyByPhoneNumber {
  /**
   * The number that the code was sent to. In E.164 form: `+`, country code, at most 15 digits. Spaces, hyphens, dots, parentheses and invisible characters are ignored.
   * @example +14155552671
   */
  readonly phoneNumber: string;
  /**
   * The code that the end user typed, as a string: 4 to 10 digits or letters. Spaces, hyphens and invisible characters are ignored. The digits may be of any script. If the length of the code is known, another length is a 400 at `#/otpCode`, which costs no attempt.
   * @example 123456
   */
  readonly otpCode: string;
  /**
   * The `reference` given to send.
   * @example login-4711
   */
  readonly reference?: string | undefined;
  /**
   * Asks for a `proof` in the response: a signed statement for another service that the number was verified. The value is the `aud` of the proof, which the other service compares with its own name. 400 if this service issues no proofs.
   * @example orders
   */
  readonly proofFor?: string | undefined;
}

export type VerifyResult = VerifiedResponse | WrongCodeResponse | VerificationClosedResponse;

/** The code is correct. Of concurrent requests with it, exactly one gets this response. */
export interface VerifiedResponse {
  /**
   * Whether the code proves that the end user has the phone.
   */
  readonly verified: true;
  /**
   * Only with `proofFor`: a JSON Web Token that shows the named service that the number was verified. It expires after five minutes. A secret: it contains the number. A response repeated for an idempotency key has the same proof.
   * @example eyJhbGciOiJFZERTQSIsImtpZCI6ImtleSIsInR5cCI6IkpXVCJ9.eyJhdWQiOiJvcmRlcnMifQ.c2lnbmF0dXJl
   */
  readonly proof?: string | undefined;
}

/** The code is wrong. `attemptsRemaining` more codes can be checked. */
export interface WrongCodeResponse {
  /**
   * Whether the code proves that the end user has the phone.
   */
  readonly verified: false;
  /**
   * The code is wrong.
   */
  readonly reason: 'wrong_code';
  /**
   * How many more codes can be checked for this verification.
   * @example 4
   */
  readonly attemptsRemaining: number;
}

/** No code is accepted for this verification, or none with this `reference`. */
export interface VerificationClosedResponse {
  /**
   * Whether the code proves that the end user has the phone.
   */
  readonly verified: false;
  /**
   * Why the code is not accepted.
   *
   * - `expired`: the code has expired
   * - `attempts_exhausted`: too many wrong codes were given
   * - `already_verified`: a code verifies once, and this one already did
   * - `cancelled`: by you, or by a newer send to the same number
   * - `reference_mismatch`: send was given another reference; no attempt was counted
   * @example expired
   */
  readonly reason:
    'expired' | 'attempts_exhausted' | 'already_verified' | 'cancelled' | 'reference_mismatch';
}

/** The current state of a verification. */
export interface StatusResult {
  /**
   * Handle of the verification: random, opaque, URL-safe.
   * @example q8Jt1Xn0S2uYp4rVb6wLzA
   */
  readonly pinId: string;
  /**
   * The phone number, masked.
   * @example +1415•••2671
   */
  readonly to: string;
  /**
   * How the code was delivered.
   *
   * - `sms`: as a text message
   * - `voice`: read out in a call
   * - `whatsapp`: as a WhatsApp message
   * @example sms
   */
  readonly channel: 'sms' | 'voice' | 'whatsapp';
  /**
   * From this time on the code is rejected. ISO 8601, UTC.
   * @example 2030-01-01T00:05:00.000Z
   */
  readonly expiresAt: string;
  /**
   * How many digits the code has. Absent if that is not known, or if codes may have letters.
   * @example 6
   */
  readonly codeLength?: number | undefined;
  /**
   * The status of the verification.
   *
   * - `pending`: a code can be checked
   * - `verified`: the correct code was given
   * - `expired`: the code has expired
   * - `exhausted`: too many wrong codes were given
   * - `cancelled`: by you, or by a newer send to the same number
   * @example pending
   */
  readonly status: 'pending' | 'verified' | 'expired' | 'exhausted' | 'cancelled';
  /**
   * When the code was sent. ISO 8601, UTC.
   * @example 2030-01-01T00:00:00.000Z
   */
  readonly createdAt: string;
  /**
   * When the correct code was given. ISO 8601, UTC.
   * @example 2030-01-01T00:00:20.000Z
   */
  readonly verifiedAt?: string | undefined;
  /**
   * How many more codes can be checked for this verification.
   * @example 4
   */
  readonly attemptsRemaining: number;
  /** Delivery of the newest message. Absent if delivery reports are switched off. */
  readonly delivery?: DeliveryResponse | undefined;
  /**
   * Only for a test number: its code is fixed and no message is sent.
   */
  readonly test?: true | undefined;
}

/** What the provider reports of the newest message of a verification. */
export interface DeliveryResponse {
  /**
   * Whether the message arrived.
   *
   * - `pending`: accepted by the provider, and its delivery not reported yet
   * - `delivered`: it arrived
   * - `undelivered`: it did not arrive; `reason` says why
   * - `unknown`: the provider cannot say, or the code expired without a report
   * @example pending
   */
  readonly status: 'pending' | 'delivered' | 'undelivered' | 'unknown';
  /**
   * Why it did not arrive.
   *
   * - `unreachable`: the phone is off, or the number is not in use
   * - `rejected`: the operator or the provider rejected the message
   * - `expired`: the provider gave up
   * - `blocked`: by the operator, the end user or a fraud filter
   * - `flooded`: too many messages to this number
   * - `no_credit`: this service's account at the provider has no credit
   * @example unreachable
   */
  readonly reason?:
    ('unreachable' | 'rejected' | 'expired' | 'blocked' | 'flooded' | 'no_credit') | undefined;
  /**
   * When the message got this status. ISO 8601, UTC.
   * @example 2030-01-01T00:00:05.000Z
   */
  readonly at?: string | undefined;
}

/** Whether a number was verified. */
export interface LookupResult {
  /**
   * Whether you verified this number within the retention time of its records.
   * @example true
   */
  readonly verified: boolean;
  /**
   * When it was last verified. ISO 8601, UTC.
   * @example 2030-01-01T00:00:20.000Z
   */
  readonly verifiedAt?: string | undefined;
}

/** A problem document (RFC 9457). Branch on `code`. */
export interface Problem {
  /**
   * A registered problem type, or a URN of this service.
   * @example urn:otp:problem:validation_failed
   */
  readonly type: string;
  /**
   * The same for every problem of the type.
   * @example Validation failed
   */
  readonly title: string;
  /**
   * The HTTP status.
   * @example 400
   */
  readonly status: number;
  /**
   * What happened and what to do, for developers. Not for end users.
   * @example One or more fields are invalid. Fix the fields listed in `errors` and retry.
   */
  readonly detail: string;
  /**
   * The path of the route, with `:pinId` instead of a pinId.
   * @example /otp/send
   */
  readonly instance: string;
  /**
   * The error code.
   * @example validation_failed
   */
  readonly code:
    | 'validation_failed'
    | 'malformed_body'
    | 'unauthenticated'
    | 'destination_not_allowed'
    | 'not_found'
    | 'verification_not_found'
    | 'method_not_allowed'
    | 'request_timeout'
    | 'payload_too_large'
    | 'unsupported_media_type'
    | 'unsupported_content_encoding'
    | 'misdirected_request'
    | 'headers_too_large'
    | 'request_in_progress'
    | 'not_resendable'
    | 'stored_data_unreadable'
    | 'idempotency_key_reused'
    | 'destination_unreachable'
    | 'too_many_requests'
    | 'cooldown_active'
    | 'quota_exceeded'
    | 'resend_limit_reached'
    | 'destination_suspended'
    | 'internal_error'
    | 'provider_error'
    | 'provider_unavailable'
    | 'overloaded'
    | 'storage_unavailable'
    | 'provider_timeout';
  /**
   * Identifies the request in the log. Quote it when you ask for help.
   * @example 5f3c1c1e-0d7a-4f55-9d0e-3a5c2f3b9b58
   */
  readonly requestId: string;
  /** The invalid fields; only with `validation_failed`. */
  readonly errors?: readonly FieldError[] | undefined;
}

/** An invalid field of the request. */
export interface FieldError {
  /**
   * JSON pointer to the field as a URI fragment; `#` for the whole request.
   * @example #/phoneNumber
   */
  readonly pointer: string;
  /**
   * How to fix the field. Never repeats its value.
   * @example Give a phone number in E.164 form: + and country code, as in +14155552671.
   */
  readonly detail: string;
}
