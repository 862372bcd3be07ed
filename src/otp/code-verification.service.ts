import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import { isTestProvider } from '../providers/test-number.provider.js';
import type {
  Attempt,
  AttemptRejection,
  AttemptUnresolved,
  VerifiedResult,
  VerifyResult,
  WrongCodeLength,
} from '../storage/attempt.types.js';
import { VerificationStore } from '../storage/verification-store.js';
import { AttemptProofs } from './attempt-proofs.js';
import type { RequestClient } from './current-client.decorator.js';
import type { VerifyOtpDto } from './dto/verify-otp.dto.js';
import {
  toNewResponse,
  toReplayedResponse,
  toLimitError,
  type IdempotentResponse,
} from './idempotent-response.js';
import { LostAnswerFinder } from './lost-answer-finder.js';
import { parsePinId } from './pin-id.js';
import { SubmittedCodeChecker } from './submitted-code-checker.js';
import { TimingEqualizer } from './timing-equalizer.js';
import { VerificationEvents, type VerifyOperation } from './verification-events.js';

/** The answer to an earlier check was lost, and the provider now says that the code was right. */
interface VerifiedAttempt {
  readonly outcome: 'verified';
  readonly response: VerifiedResult;
}

/** Verifies codes; the provider checks them. */
@Injectable()
export class CodeVerificationService {
  private readonly timing = new TimingEqualizer();

  constructor(
    private readonly store: VerificationStore,
    private readonly codes: SubmittedCodeChecker,
    private readonly lostAnswers: LostAnswerFinder,
    private readonly proofs: AttemptProofs,
    private readonly clock: Clock,
    private readonly events: VerificationEvents,
  ) {}

  /**
   * Verifies a code: reserves an attempt, calls the provider, and stores the result in one
   * transaction.
   * @throws DomainError `verification_not_found`, `validation_failed`, `quota_exceeded`,
   * `stored_data_unreadable`, or the error that is replayed for the idempotency key
   * @throws ProviderError if the provider gave no result. The attempt stays counted if the code may
   * have been checked.
   */
  async verify(
    { pinId = '', phoneNumber, otpCode, reference, proofFor }: VerifyOtpDto,
    { client, rules, idempotency, context }: RequestClient,
  ): Promise<IdempotentResponse<VerifyResult>> {
    const selector = phoneNumber ? { phoneNumber } : { pinId: parsePinId(pinId) };
    const now = this.clock.now();
    const proofRequest = this.proofs.toProofRequest(proofFor, reference);
    const operation = { context, startedAt: performance.now(), proofRequest };
    const codeLength = otpCode.length;
    const request = { selector, client, reference, codeLength, limits: rules, now };
    const reserved = await this.store.reserveAttempt(request, idempotency, context);
    if (reserved.outcome === 'granted') {
      return toNewResponse(await this.checkCode(reserved.attempt, otpCode, operation));
    }
    const result = await this.resolveRejection(reserved, operation);
    // Hides whether the number has a verification. A pinId cannot be guessed, so it needs no delay.
    if (phoneNumber) await this.timing.delay(operation.startedAt);
    switch (result.outcome) {
      case 'verified':
        return toNewResponse(result.response);
      case 'not_found':
        throw new DomainError('verification_not_found');
      case 'closed':
        this.events.emitRejected(result.reason);
        return toNewResponse({ verified: false, reason: result.reason });
      case 'wrong_length':
        throw toCodeLengthError(result, otpCode);
      case 'limited':
        throw toLimitError(result, now);
      default:
        return toReplayedResponse(result);
    }
  }

  private async checkCode(
    attempt: Attempt,
    code: string,
    operation: VerifyOperation,
  ): Promise<VerifyResult> {
    const result = await this.codes.check(attempt, code, operation).catch((error: unknown) => {
      // The provider gave no result, or it could not be stored.
      this.events.emitChecked(attempt, 'unknown', operation);
      throw error;
    });
    if (!isTestProvider(attempt.provider)) this.timing.record(operation.startedAt);
    this.events.emitChecked(attempt, result.verified ? 'verified' : result.reason, operation);
    return result;
  }

  /**
   * Returns a final rejection as it is. If the answer to an earlier check was lost, asks the provider
   * for it first: that code may have been right.
   */
  private async resolveRejection(
    rejected: AttemptUnresolved | AttemptRejection,
    operation: VerifyOperation,
  ): Promise<VerifiedAttempt | AttemptRejection> {
    if (rejected.outcome !== 'unresolved') return rejected;
    const { attempt, rejection } = rejected;
    const found = await this.lostAnswers.find(attempt, attempt.isRepeat, operation);
    if (!found) return rejection;
    if (!found.verified) return { outcome: 'closed', reason: found.reason };
    this.events.emitChecked(attempt, 'verified', operation);
    return { outcome: 'verified', response: found };
  }
}

function toCodeLengthError({ codeLength }: WrongCodeLength, otpCode: string): DomainError {
  const expected = `codes have ${String(codeLength)} digits.`;
  const detail =
    otpCode.length < codeLength
      ? `The code is too short: ${expected} A leading zero may be missing: send the code as a string.`
      : `The code is too long: ${expected}`;
  return new DomainError('validation_failed', { fieldErrors: [{ pointer: '#/otpCode', detail }] });
}
