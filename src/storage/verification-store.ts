import { Injectable } from '@nestjs/common';
import type { CheckResult, GetAttemptsPerCode } from '../common/check-result.js';
import { EventBus } from '../common/events.js';
import type { StorageOperation } from '../common/label-values.js';
import type { PhoneNumber } from '../common/phone-number.js';
import type { RequestContext } from '../common/request-context.js';
import type { Attempt, AttemptRequest, AttemptResult, VerifyResult } from './attempt.types.js';
import type { IdempotentRequest } from './idempotency.types.js';
import type { TrafficEvaluator } from './limit.types.js';
import { measureOperation } from './measure-operation.js';
import { AttemptOutcomeRepository } from './repositories/attempt-outcome.repository.js';
import { AttemptRepository } from './repositories/attempt.repository.js';
import { toDeliveryEvent } from './repositories/delivery-event.js';
import { ResendConfirmations } from './repositories/resend-confirmations.js';
import { ResendRepository } from './repositories/resend.repository.js';
import { SendOutcomeRepository } from './repositories/send-outcome.repository.js';
import { SendRepository } from './repositories/send.repository.js';
import { VerificationRepository } from './repositories/verification.repository.js';
import type {
  ConfirmOutcome,
  FailedSendOutcome,
  NewVerification,
  ResendAdmission,
  ResendRequest,
  SendAdmission,
  SendReservation,
  SendResult,
} from './send.types.js';
import type { UnreadableDataError } from './unreadable-data.error.js';
import type { CancelOutcome, Verification } from './verification.types.js';

/**
 * Verifications and their state changes, each one atomic over any number of replicas: `sending →
 * pending → verified` or `cancelled`, and `sending → failed`. Terminal states never change; expired
 * and exhausted are terminal too, and follow from the clock and the attempts.
 *
 * Every method emits `storage_operation_completed` with its duration and the context of its request,
 * and throws DomainError `storage_unavailable` if the database cannot be reached.
 */
@Injectable()
export class VerificationStore {
  constructor(
    private readonly sends: SendRepository,
    private readonly sendOutcomes: SendOutcomeRepository,
    private readonly resends: ResendRepository,
    private readonly resendConfirmations: ResendConfirmations,
    private readonly attempts: AttemptRepository,
    private readonly attemptOutcomes: AttemptOutcomeRepository,
    private readonly verifications: VerificationRepository,
    private readonly events: EventBus,
  ) {}

  /**
   * Counts the send against its number, end user, client and destination and writes the
   * verification as `sending`, or does neither.
   * @param evaluate checks the destination's counts, this send included, unless the number was
   * verified in the last 90 days.
   */
  reserveSend(
    verification: NewVerification,
    idempotency?: IdempotentRequest,
    evaluate?: TrafficEvaluator,
    context?: RequestContext,
  ): Promise<SendAdmission> {
    return this.measure('reserveSend', context, async () => {
      const reserved = await this.sends.reserve(verification, idempotency, evaluate);
      return 'outcome' in reserved ? reserved : this.sendOutcomes.checkBudgets(reserved, evaluate);
    });
  }

  /** Counts another message with the code of a pending verification, as {@link reserveSend}. */
  reserveResend(
    request: ResendRequest,
    idempotency?: IdempotentRequest,
    evaluate?: TrafficEvaluator,
    context?: RequestContext,
  ): Promise<ResendAdmission> {
    return this.measure('reserveResend', context, async () => {
      const reserved = await this.resends.reserve(request, idempotency, evaluate);
      return 'outcome' in reserved ? reserved : this.sendOutcomes.checkBudgets(reserved, evaluate);
    });
  }

  /**
   * A provider accepted the send: `sending → pending`, the client's older pending verification of
   * the number is cancelled, and the response is stored for repeated requests. A resend only replaces
   * the code.
   */
  confirmSend(
    reservation: SendReservation,
    result: SendResult,
    response: unknown,
    context?: RequestContext,
  ): Promise<ConfirmOutcome> {
    return this.measure('confirmSend', context, async () => {
      const { resendOf } = reservation;
      if (!resendOf) return this.sendOutcomes.confirm(reservation, result, response);
      const { sealed } = resendOf;
      const { outcome, linked } = await this.resendConfirmations.confirm(
        reservation,
        sealed,
        result,
        response,
      );
      for (const event of linked.flatMap(toDeliveryEvent)) this.events.emit(event);
      return outcome;
    });
  }

  /**
   * No provider accepted the send. If certainly no message was sent, every limit and the
   * idempotency key are released and a new verification is deleted; else `sending → failed`. A send
   * to an unreachable number stays counted for its number, and its client's unreachable numbers.
   * A resend does not change the verification.
   * @param outcome the providers that may have sent a message, or `unreachable`
   */
  releaseSend(
    reservation: SendReservation,
    outcome: FailedSendOutcome,
    context?: RequestContext,
  ): Promise<void> {
    return this.measure('releaseSend', context, () =>
      this.sendOutcomes.release(reservation, outcome),
    );
  }

  /**
   * Counts one attempt against the verification and its number, before the provider checks the
   * code: however many requests race, no more codes are checked than the budgets allow. Of a client
   * that has reached its limit of wrong codes, only the first code of a verification is checked. This
   * limit does not apply to the repeat of a request whose answer was lost, which has the same code.
   */
  reserveAttempt(
    request: AttemptRequest,
    idempotency?: IdempotentRequest,
    context?: RequestContext,
  ): Promise<AttemptResult> {
    return this.measure('reserveAttempt', context, async () => {
      const reserved = await this.attempts.reserve(request, idempotency);
      if ('outcome' in reserved) return reserved;
      return this.attemptOutcomes.decryptAttempt(reserved, request.now);
    });
  }

  /** Releases a counted attempt whose code the provider certainly did not check. */
  releaseAttempt(attempt: Attempt, context?: RequestContext): Promise<void> {
    return this.measure('releaseAttempt', context, () => this.attemptOutcomes.release(attempt));
  }

  /**
   * Applies the provider's result. The update `pending → verified` is conditional: of any number of
   * requests with the right code exactly one gets `verified: true`. A final rejection only uses up
   * the attempts and keeps `pending`: of two concurrent requests, a provider may accept one and
   * therefore reject the other.
   */
  completeAttempt(
    attempt: Attempt,
    result: CheckResult,
    now: number,
    context?: RequestContext,
    getAttemptsPerCode: GetAttemptsPerCode = () => Infinity,
  ): Promise<VerifyResult> {
    return this.measure('completeAttempt', context, () =>
      this.attemptOutcomes.complete(attempt, result, now, getAttemptsPerCode),
    );
  }

  /**
   * Finds one of the client's verifications, once a provider has accepted it.
   * @returns UnreadableDataError if the verification cannot be decrypted; `undefined` if there is
   * none
   */
  find(
    pinId: string,
    client: string,
    now: number,
    context?: RequestContext,
  ): Promise<Verification | UnreadableDataError | undefined> {
    return this.measure('find', context, () => this.verifications.find(pinId, client, now));
  }

  /** `pending → cancelled`; terminal states stay. */
  cancel(
    pinId: string,
    client: string,
    now: number,
    context?: RequestContext,
  ): Promise<CancelOutcome> {
    return this.measure('cancel', context, () => this.verifications.cancel(pinId, client, now));
  }

  /** When the client last verified this number; `undefined` if not within `RETENTION`. */
  getLastVerifiedAt(
    phoneNumber: PhoneNumber,
    client: string,
    context?: RequestContext,
  ): Promise<number | undefined> {
    return this.measure('lastVerifiedAt', context, () =>
      this.verifications.getLastVerifiedAt(phoneNumber, client),
    );
  }

  /** Deletes what the client stored about a number. The limits of the number stay. */
  erase(phoneNumber: PhoneNumber, client: string, context?: RequestContext): Promise<void> {
    return this.measure('erase', context, () => this.verifications.erase(phoneNumber, client));
  }

  private measure<T>(
    operation: StorageOperation,
    context: RequestContext | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    return measureOperation(this.events, operation, context, work);
  }
}
