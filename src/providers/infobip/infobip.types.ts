/**
 * The fields of Infobip's 2FA API that this service reads. All are optional in Infobip's schema.
 * Responses are not validated, so fields are `unknown`: each reader checks the values it uses.
 */
export interface InfobipPinResponse {
  readonly pinId?: unknown;
  /** `MESSAGE_SENT`, `MESSAGE_NOT_SENT` */
  readonly smsStatus?: unknown;
  /** Voice: `PENDING_ACCEPTED`, `PROCESSING`, …; older documentation lists `BAD_REQUEST`. */
  readonly callStatus?: unknown;
  /** The number lookup: `NC_DESTINATION_REACHABLE`, `NC_DESTINATION_NOT_REACHABLE`, … */
  readonly ncStatus?: unknown;
  /** The message's id in delivery reports, if the request asked for them. */
  readonly externalMessageId?: unknown;
}

export interface InfobipVerifyResponse {
  /** The number the PIN was sent to: digits without `+`. */
  readonly msisdn?: unknown;
  readonly verified?: unknown;
  /** `WRONG_PIN`, `TTL_EXPIRED`, `NO_MORE_PIN_ATTEMPTS` */
  readonly pinError?: unknown;
}

/** The status of the PINs that were sent to a number. */
export interface InfobipVerificationList {
  /** A list of {@link InfobipVerification}. */
  readonly verifications?: unknown;
}

/** The status of one PIN. The list does not contain the PIN's id. */
export interface InfobipVerification {
  readonly msisdn?: unknown;
  readonly verified?: unknown;
  /** Unix time in milliseconds; in seconds in the documentation's samples. */
  readonly sentAt?: unknown;
}

/** A 2FA application, as read, created or updated. */
export interface InfobipApplication {
  readonly applicationId?: unknown;
  readonly name?: unknown;
  readonly enabled?: unknown;
  readonly configuration?: null | ApplicationConfiguration;
}

export interface ApplicationConfiguration {
  readonly pinAttempts?: unknown;
  readonly allowMultiplePinVerifications?: unknown;
  /** A duration: `15m` */
  readonly pinTimeToLive?: unknown;
  /** Limits: `3/1d` is three a day. */
  readonly verifyPinLimit?: unknown;
  readonly sendPinPerApplicationLimit?: unknown;
  readonly sendPinPerPhoneNumberLimit?: unknown;
}

/** A message template; one for e-mail has no `messageText`. */
export interface InfobipTemplate {
  readonly messageId?: unknown;
  readonly applicationId?: unknown;
  readonly messageText?: unknown;
  /** `NUMERIC`, `ALPHA`, `HEX`, `ALPHANUMERIC` */
  readonly pinType?: unknown;
  readonly pinLength?: unknown;
  readonly senderId?: unknown;
  readonly language?: unknown;
}

/** An error, in either of Infobip's two formats. */
export interface InfobipErrorBody {
  /** The older format. */
  readonly requestError?: null | {
    readonly serviceException?: null | {
      /** The error code. */
      readonly messageId?: unknown;
      /** The errors by the name of the invalid field. */
      readonly validationErrors?: object | null;
    };
  };
  /** The error code of the newer format: `NOT_FOUND`, `RESOURCE_NOT_FOUND`, `E404`, … */
  readonly errorCode?: unknown;
  /** A list of `{ property, violation }`. */
  readonly violations?: unknown;
}

/**
 * A delivery report, in either of Infobip's two forms. The ids of statuses, groups and errors are numbers.
 * Each field may be absent.
 */
export interface InfobipDeliveryReport {
  /** The `externalMessageId` of the send. */
  readonly messageId?: unknown;
  /** `2030-01-02T03:04:09.500+0000` */
  readonly doneAt?: unknown;
  /** The number of SMS that the text was split into; `smsCount` in the older form. */
  readonly messageCount?: unknown;
  readonly smsCount?: unknown;
  readonly price?: null | {
    /** The price of one SMS of the message. */
    readonly pricePerMessage?: unknown;
    readonly currency?: unknown;
  };
  readonly status?: null | InfobipReportStatus;
  readonly error?: null | InfobipReportError;
}

export interface InfobipReportStatus {
  readonly groupId?: unknown;
  readonly groupName?: unknown;
  readonly id?: unknown;
  readonly name?: unknown;
}

export interface InfobipReportError {
  /** 0 if there is no error. */
  readonly id?: unknown;
}
