// Faults make a request to the sandbox fail, or get a chosen response, so that clients can test how
// they handle it. A fault is either planned for the next requests or tied to a magic number.
import type { InfobipErrorShape } from '../infobip/infobip-error.js';

export const SANDBOX_OPERATIONS = ['send', 'resend', 'verify', 'status', 'configuration'] as const;
/** What a request does, on any channel. `configuration`: applications and message templates. */
export type SandboxOperation = (typeof SANDBOX_OPERATIONS)[number];

const RESPONSE_FAULTS = [
  'bad-request',
  'unauthorized',
  'forbidden',
  'not-found',
  'throttled',
  'server-error',
  'unavailable',
  'garbage',
  'hang',
  'drop',
  'slow',
] as const;
/** Replaces or delays the response. Possible for every operation. */
export type ResponseFaultKind = (typeof RESPONSE_FAULTS)[number];

/** The response faults for which the provider's API has an error of its own. */
export type ErrorFaultKind = Exclude<ResponseFaultKind, 'garbage' | 'hang' | 'drop' | 'slow'>;

export const DELIVERY_OUTCOMES = [
  'delivered',
  'not-sent',
  'no-credit',
  'unreachable',
  'unreachable-prose',
  'no-lookup',
] as const;
/** Whether the message reaches the phone, and the reason if not. docs/sandbox.md explains each. */
export type DeliveryOutcome = (typeof DELIVERY_OUTCOMES)[number];

/** A result that the sandbox returns in a normal response, instead of the result for the input. */
export type ForcedOutcome =
  DeliveryOutcome | 'expired' | 'exhausted' | 'new-pin-id' | 'wrong-msisdn';

/** Two outcomes: the prose of Infobip's documentation spells the status differently. */
export const isUnreachable = (outcome: ForcedOutcome | undefined): boolean =>
  outcome === 'unreachable' || outcome === 'unreachable-prose';

export type FaultKind = ResponseFaultKind | ForcedOutcome;

/**
 * The kinds of fault that each operation can have. A verify with `delivered` checks the code as usual,
 * but does not count against the application's limits.
 */
export const FAULTS_BY_OPERATION: Record<SandboxOperation, readonly FaultKind[]> = {
  send: [...RESPONSE_FAULTS, ...DELIVERY_OUTCOMES, 'expired'],
  resend: [...RESPONSE_FAULTS, ...DELIVERY_OUTCOMES, 'new-pin-id'],
  verify: [...RESPONSE_FAULTS, 'delivered', 'expired', 'exhausted', 'wrong-msisdn'],
  status: RESPONSE_FAULTS,
  configuration: RESPONSE_FAULTS,
};

/** How the sandbox handles one request differently. */
export interface SandboxFault {
  readonly kind: FaultKind;
  /** For a response fault other than `slow`: whether the operation is performed. Default: false. */
  readonly performed?: boolean;
  /** Delay of a `slow` response in milliseconds. Default: 2000. */
  readonly delayMs?: number;
  /** Shape of an Infobip error. Default: the sandbox's setting `errorShape`. */
  readonly errorShape?: InfobipErrorShape;
}

/** The `Retry-After` of a `throttled` response, in seconds. */
export const RETRY_AFTER_S = 3;

export function isResponseFault(kind: FaultKind): kind is ResponseFaultKind {
  return (RESPONSE_FAULTS as readonly FaultKind[]).includes(kind);
}

export const REPORT_FAULT_KINDS = [
  'normal',
  'late',
  'lost',
  'duplicated',
  'reordered',
  'early',
  'malformed',
] as const;
/** How the delivery report of a message arrives. docs/sandbox.md explains each. */
type ReportFaultKind = (typeof REPORT_FAULT_KINDS)[number];

/** What a delivery report says. Without a status, it says what happened to the message. */
export interface ReportOutcome {
  /** Infobip: name of a status. Sinch: an `smsResult`, or the status of a result event. */
  readonly status?: string;
  /** Sinch: the reason in a result event. */
  readonly reason?: string;
  /** Infobip: id of the status group. Default: the group that Infobip documents for the status. */
  readonly groupId?: number;
  /** Infobip: id of the error. Default: 0, no error, or without `status` the message's own error. */
  readonly errorId?: number;
  /** Whether required fields are missing or have other types. Default: false. */
  readonly isMalformed?: boolean;
}

/** How the sandbox reports the delivery of one message. */
export interface ReportFault extends Omit<ReportOutcome, 'isMalformed'> {
  readonly kind: ReportFaultKind;
  /** Time from the send to the report, in milliseconds. Default: 60000 if `late`, else 0. */
  readonly delayMs?: number;
}
