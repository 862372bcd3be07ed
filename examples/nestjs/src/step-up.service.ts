import { randomUUID } from 'node:crypto';
import { ConflictException, Inject, Injectable, UnauthorizedException } from '@nestjs/common';
import { isOtpError, type OtpClient, type VerifyResult } from 'otp-service-client';
import { OTP_CLIENT } from './otp-client.js';
import type { UserSession } from './session.js';

type Rejection = Extract<VerifyResult, { verified: false }>;

export interface CodeSent {
  sentTo: string;
  expiresAt: string;
  resendAvailableAt: string;
}

@Injectable()
export class StepUpService {
  constructor(@Inject(OTP_CLIENT) private readonly otp: OtpClient) {}

  /** Sends a code to the number on record: a step-up never takes a number from the request. */
  async send(session: UserSession): Promise<CodeSent> {
    if (!session.user) throw new UnauthorizedException('Sign in first.');
    const { phoneNumber } = session.user;
    // Each step-up is its own purpose, so the code of a sign-in or of an earlier step-up is rejected.
    const reference = `step-up-${randomUUID()}`;
    const { pinId, to, expiresAt, resendAvailableAt } = await this.otp.send({
      phoneNumber,
      reference,
    });
    session.stepUp = { pinId, reference };
    return { sentTo: to, expiresAt, resendAvailableAt };
  }

  /** Sends the same code again, or a new one if that code can no longer be used or sent. */
  async resend(session: UserSession): Promise<CodeSent> {
    const { pinId } = requireStepUp(session);
    try {
      const { to, expiresAt, resendAvailableAt } = await this.otp.resend({ pinId });
      return { sentTo: to, expiresAt, resendAvailableAt };
    } catch (error) {
      if (isOtpError(error, 'not_resendable', 'resend_limit_reached', 'verification_not_found'))
        return this.send(session);
      throw error;
    }
  }

  /** @throws UnauthorizedException if the code is not accepted */
  async verify(session: UserSession, otpCode: string): Promise<void> {
    const result = await this.otp.verify({ ...requireStepUp(session), otpCode });
    if (!result.verified) {
      throw new UnauthorizedException({ error: result.reason, message: describe(result) });
    }
    delete session.stepUp;
    session.verifiedAt = Date.now();
  }

  /** Cancels the code, so that it cannot confirm anything later. */
  async cancel(session: UserSession): Promise<void> {
    if (!session.stepUp) return;
    await this.otp.cancel(session.stepUp.pinId);
    delete session.stepUp;
  }
}

function requireStepUp({ stepUp }: UserSession): NonNullable<UserSession['stepUp']> {
  if (stepUp) return stepUp;
  throw new ConflictException({ error: 'no_code', message: 'Ask for a code first.' });
}

/** A message for the user: why a code was not accepted. */
function describe(result: Rejection): string {
  switch (result.reason) {
    case 'wrong_code':
      return `That is not the code. Tries left: ${String(result.attemptsRemaining)}.`;
    case 'expired':
      return 'This code has expired. Ask for a new one.';
    case 'attempts_exhausted':
      return 'Too many wrong codes. Ask for a new one.';
    default:
      return 'This code is no longer valid. Ask for a new one.';
  }
}
