import { EventEmitter } from 'node:events';
import { Injectable } from '@nestjs/common';
import type { Channel } from './channel.js';
import type { DeliveryReported, ProviderDisagreed, ReportsRefused } from './delivery-events.js';
import type { AuditDetails } from './domain-error.js';
import type { ErrorCode } from './error-catalog.js';
import type {
  BudgetScope,
  CheckOutcome,
  CircuitState,
  FraudDecision,
  LimitName,
  ProviderFailure,
  ProviderOperation,
  SendOutcome,
  StorageOperation,
  VerificationClosedReason,
} from './label-values.js';
import type { RequestContext } from './request-context.js';
import type { WebhookEventType, WebhookOutcome } from './webhook-event.js';

/** A request started. Always followed by `request_completed`. */
interface RequestStarted {
  readonly type: 'request_started';
}

/** A request was answered, or its client disconnected. */
interface RequestCompleted {
  readonly type: 'request_completed';
  readonly context: RequestContext;
  /** `undefined` where the request could not be parsed. */
  readonly method: string | undefined;
  /** The route pattern, such as `/otp/:pinId`; `undefined` where no route matched. */
  readonly route: string | undefined;
  readonly status: number;
  /** The `code` of the problem document, if the response is one. */
  readonly problem: ErrorCode | undefined;
  /** The limit that was reached, if the response is a 429. */
  readonly limit: LimitName | undefined;
  /** JSON pointers to the invalid fields, never their values. */
  readonly invalidFields: readonly string[] | undefined;
  readonly auditDetails: AuditDetails | undefined;
  /** Whether the response repeats the one to an earlier request with the same idempotency key. */
  readonly replayed: boolean;
  /** Name of the authenticated client. */
  readonly client: string | undefined;
  readonly durationMs: number;
}

/** How a provider call failed. `ProviderError` has these properties. */
interface ProviderCallError {
  readonly failure: ProviderFailure;
  readonly message: string;
  /** Whether the message of a send may have been sent nevertheless. */
  readonly ambiguous: boolean;
}

/** A call to a provider ended. */
export interface ProviderCallCompleted {
  readonly type: 'provider_call_completed';
  /** `undefined` where the call belongs to no request. */
  readonly context: RequestContext | undefined;
  readonly provider: string;
  readonly operation: ProviderOperation;
  /** Empty for a call that sends no message. */
  readonly channel: Channel | '';
  readonly durationMs: number;
  /** `undefined` for a successful call. */
  readonly error: ProviderCallError | undefined;
}

/** The circuit breaker of an operation of a provider, on one channel, changed its state. */
interface CircuitStateChanged {
  readonly type: 'circuit_state_changed';
  readonly provider: string;
  readonly operation: ProviderOperation;
  /** Empty for an operation that sends no message. */
  readonly channel: Channel | '';
  readonly state: CircuitState;
}

interface VerificationEvent {
  readonly context: RequestContext;
  readonly pinId: string;
  readonly client: string;
  /** ISO 3166 code, or `001` for a number that belongs to no country. */
  readonly country: string;
  readonly channel: Channel;
  readonly provider: string;
  /** When the verification was created, in milliseconds since the epoch. */
  readonly createdAt: number;
  /** The duration of the whole operation, including storage and provider. */
  readonly durationMs: number;
}

/** The providers were asked to send a message. */
export interface MessageSent extends VerificationEvent {
  readonly type: 'message_sent';
  readonly resend: boolean;
  readonly outcome: SendOutcome;
}

/** A rule or a limit refused a send or a resend. Not emitted for a test number. */
interface SendBlocked {
  readonly type: 'send_blocked';
  readonly context: RequestContext;
  readonly client: string;
  /** ISO 3166 code, or `001`. Empty for a resend of a code from a release without fraud budgets. */
  readonly country: string;
  readonly channel: Channel;
  /** The `code` of the problem document. */
  readonly problem: ErrorCode;
}

/** A code was submitted, and a provider was asked to check it. */
export interface CodeChecked extends VerificationEvent {
  readonly type: 'code_checked';
  readonly outcome: CheckOutcome;
}

/** A code was submitted for a verification that is closed; no provider checked it. */
interface CodeRejected {
  readonly type: 'code_rejected';
  /** The `reason` in the response. */
  readonly reason: VerificationClosedReason;
}

/** A client cancelled a verification. */
interface VerificationCancelled extends Pick<VerificationEvent, 'context' | 'pinId' | 'client'> {
  readonly type: 'verification_cancelled';
}

/** A message was checked for SMS pumping. */
interface FraudCheckCompleted {
  readonly type: 'fraud_check_completed';
  readonly decision: FraudDecision;
  /** Scope of the exceeded budget; empty where none is exceeded. */
  readonly scope: BudgetScope | '';
  readonly country: string;
}

interface StorageOperationCompleted {
  readonly type: 'storage_operation_completed';
  /** `undefined` where the operation belongs to no request. */
  readonly context: RequestContext | undefined;
  readonly operation: StorageOperation;
  readonly durationMs: number;
  /** `undefined` for a successful operation. */
  readonly error: ErrorCode | undefined;
}

/** A client or its rules changed in `CLIENTS_FILE`, and the change took effect. */
export interface ClientRulesChanged {
  readonly type: 'client_rules_changed';
  readonly client: string;
  readonly change: 'added' | 'changed' | 'removed';
  /** Texts such as `otpTtl: 5m → 2m`, without API keys and phone numbers. */
  readonly differences: readonly string[];
}

/** One try to send a webhook event ended. */
interface WebhookCompleted {
  readonly type: 'webhook_completed';
  readonly event: WebhookEventType;
  readonly outcome: WebhookOutcome;
}

/** Log lines were lost, because standard output cannot be written. */
interface LogLinesLost {
  readonly type: 'log_lines_lost';
  readonly lines: number;
}

/**
 * Events contain no phone number, code or credential. Metrics use as labels only the fields whose values
 * are a closed set.
 */
export type ServiceEvent =
  | RequestStarted
  | RequestCompleted
  | ProviderCallCompleted
  | CircuitStateChanged
  | MessageSent
  | SendBlocked
  | CodeChecked
  | CodeRejected
  | VerificationCancelled
  | FraudCheckCompleted
  | DeliveryReported
  | ReportsRefused
  | ProviderDisagreed
  | StorageOperationCompleted
  | ClientRulesChanged
  | WebhookCompleted
  | LogLinesLost;

export type ServiceEventOf<Type> = Extract<ServiceEvent, { type: Type }>;

/** Passes events of the service to its observers, such as the log and the metrics. */
@Injectable()
export class EventBus {
  private readonly emitter = new EventEmitter();

  /** Listeners run synchronously. They must be fast and must not throw. */
  subscribe<Type extends ServiceEvent['type']>(
    type: Type,
    listener: (event: ServiceEventOf<Type>) => void,
  ): void {
    this.emitter.on(type, listener);
  }

  emit(event: ServiceEvent): void {
    this.emitter.emit(event.type, event);
  }
}
