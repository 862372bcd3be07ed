import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import { seconds } from '../common/durations.js';
import type { VerificationClosedReason } from '../common/label-values.js';
import type { PhoneNumber } from '../common/phone-number.js';
import { CodeVerificationService } from '../otp/code-verification.service.js';
import type { RequestClient } from '../otp/current-client.decorator.js';
import { OtpService } from '../otp/otp.service.js';
import type { DemoSession, DemoVerification } from './demo-sessions.js';
import type { DemoState } from './demo-state.js';

/** The `reference` of the page's sends, which the page's verifies repeat. */
const REFERENCE = 'demo';

/** Why a verification accepts no code, by its status. */
const CLOSED_REASONS = {
  verified: 'already_verified',
  expired: 'expired',
  exhausted: 'attempts_exhausted',
  cancelled: 'cancelled',
} as const;

/** The fields of the service's response to a send that the page needs. */
interface SentCode {
  readonly pinId: string;
  readonly expiresAt: string;
  readonly resendAvailableAt: string;
  readonly codeLength?: number;
}

/**
 * Calls this service as a website's back end would. Sends and verifies codes for the browser, and keeps
 * the `pinId` and the result in the session.
 */
@Injectable()
export class DemoService {
  constructor(
    private readonly otp: OtpService,
    private readonly codes: CodeVerificationService,
    private readonly clock: Clock,
  ) {}

  /**
   * Sends a code. During the cooldown after a send to the same number, returns the state of the code that
   * was sent then, not an error: the user has gone back, or clicked twice.
   * @throws DomainError and SendFailedError as `OtpService.send`
   */
  async send(
    session: DemoSession,
    phoneNumber: PhoneNumber,
    endUserIp: string | undefined,
    client: RequestClient,
  ): Promise<DemoState> {
    session.phoneNumber = phoneNumber;
    const request = {
      phoneNumber,
      reference: REFERENCE,
      ...(endUserIp === undefined ? {} : { endUserIp }),
    };
    try {
      const { body } = await this.otp.send(request, client);
      session.verification = toVerification(phoneNumber, body);
    } catch (error) {
      if (!hasCode(error, 'cooldown_active')) throw error;
      await this.refresh(session.verification, client);
      const { verification } = session;
      const isSameNumber = verification?.phoneNumber.e164 === phoneNumber.e164;
      if (!isSameNumber || verification.status !== 'pending') throw error;
    }
    return this.toState(session.verification);
  }

  /**
   * Sends the code again, or a new one if the code can no longer be verified or sent again.
   * @throws DomainError and SendFailedError as `OtpService.resend`
   */
  async resend(
    session: DemoSession,
    endUserIp: string | undefined,
    client: RequestClient,
  ): Promise<DemoState> {
    const { verification } = session;
    await this.refresh(verification, client);
    if (!verification || verification.status === 'verified') return this.toState(verification);
    const { phoneNumber, pinId, status } = verification;
    if (status !== 'pending') return this.send(session, phoneNumber, endUserIp, client);
    try {
      const { body } = await this.otp.resend({ pinId }, client);
      session.verification = toVerification(phoneNumber, body);
      return this.toState(session.verification);
    } catch (error) {
      // The code expires soon, or was sent as often as the provider delivers the same code.
      if (!hasCode(error, 'not_resendable') && !hasCode(error, 'resend_limit_reached')) throw error;
      return this.send(session, phoneNumber, endUserIp, client);
    }
  }

  /**
   * Verifies a code. A code that is verified through the API instead does not verify the session.
   * @throws DomainError and ProviderError as `CodeVerificationService.verify`
   */
  async verify(
    { verification }: DemoSession,
    otpCode: string,
    client: RequestClient,
  ): Promise<DemoState> {
    if (verification?.status !== 'pending') return this.toState(verification);
    const { pinId } = verification;
    const { body } = await this.codes.verify({ pinId, otpCode, reference: REFERENCE }, client);
    if (body.verified) verification.status = 'verified';
    else if (body.reason !== 'wrong_code') close(verification, body.reason);
    else if (body.attemptsRemaining === 0) close(verification, 'attempts_exhausted');
    const state = this.toState(verification);
    return 'attemptsRemaining' in body && state.step === 'code'
      ? { ...state, triesLeft: body.attemptsRemaining }
      : state;
  }

  /** The step that the browser's session has reached. */
  async getState({ verification }: DemoSession, client: RequestClient): Promise<DemoState> {
    await this.refresh(verification, client);
    return this.toState(verification);
  }

  /** Updates a pending status: since the last request, the code may have expired or been cancelled. */
  private async refresh(
    verification: DemoVerification | undefined,
    client: RequestClient,
  ): Promise<void> {
    if (verification?.status !== 'pending') return;
    const { status } = await this.otp
      .getVerification(verification.pinId, client)
      .catch((error: unknown) => {
        // Erased, or written by a newer release: the code can no longer be verified.
        if (hasCode(error, 'verification_not_found') || hasCode(error, 'stored_data_unreadable'))
          return { status: 'cancelled' as const };
        throw error;
      });
    if (status !== 'pending') close(verification, CLOSED_REASONS[status]);
  }

  private toState(verification: DemoVerification | undefined): DemoState {
    if (!verification) return { step: 'number' };
    const { status, phoneNumber, resendAvailableAt, expiresAt, codeLength } = verification;
    const to = phoneNumber.masked;
    if (status === 'verified') return { step: 'verified', to };
    const resendInSeconds = this.getSecondsUntil(resendAvailableAt);
    if (status !== 'pending') return { step: 'over', to, reason: status, resendInSeconds };
    const validForSeconds = this.getSecondsUntil(expiresAt);
    const length = codeLength === undefined ? {} : { codeLength };
    return { step: 'code', to, validForSeconds, resendInSeconds, ...length };
  }

  private getSecondsUntil(time: number): number {
    const remainingMs = time - this.clock.toDate(this.clock.now()).getTime();
    return Math.max(0, remainingMs / seconds(1));
  }
}

const toVerification = (phoneNumber: PhoneNumber, sent: SentCode): DemoVerification => ({
  pinId: sent.pinId,
  phoneNumber,
  expiresAt: Date.parse(sent.expiresAt),
  resendAvailableAt: Date.parse(sent.resendAvailableAt),
  codeLength: sent.codeLength,
  status: 'pending',
});

/** Closes a session's verification, unless a concurrent request has set `verified`. */
function close(verification: DemoVerification, reason: VerificationClosedReason): void {
  if (verification.status !== 'verified') verification.status = reason;
}

const hasCode = (error: unknown, code: DomainError['code']): boolean =>
  error instanceof DomainError && error.code === code;
