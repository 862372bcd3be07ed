import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import { AppConfig } from '../config/app-config.js';
import { OtpProvider } from '../providers/otp-provider.js';
import { ProviderError } from '../providers/provider-error.js';
import { VerificationStore, type NewVerification } from '../storage/verification-store.js';
import type { SendRequest, SendResponse } from './dto/send.dto.js';
import type { VerifyRequest, VerifyResponse } from './dto/verify.dto.js';

/** 128 bits: nobody finds another's verification by trying. */
const PIN_ID_BYTES = 16;

/** Decides who is texted and what counts as proof; the code itself is the provider's. */
@Injectable()
export class OtpService {
  constructor(
    private readonly store: VerificationStore,
    private readonly provider: OtpProvider,
    private readonly clock: Clock,
    private readonly config: AppConfig,
  ) {}

  /**
   * Texts a new code. What the send is allowed to do is written down before the provider is
   * called, so that neither a race nor a crash can text twice.
   * @throws DomainError `cooldown_active`
   * @throws ProviderError
   */
  async send({ phoneNumber }: SendRequest): Promise<SendResponse> {
    const verification = this.newVerification(phoneNumber);
    const admission = await this.store.admit(verification);
    if (!admission.admitted) {
      throw new DomainError('cooldown_active', 'This number was texted a moment ago.', {
        retryAfterMs: admission.retryAt - verification.createdAt,
      });
    }
    const { pinId } = verification;
    try {
      await this.store.confirm(pinId, await this.provider.send(phoneNumber));
    } catch (error) {
      await this.store.abandon(pinId, !(error instanceof ProviderError) || error.ambiguous);
      throw error;
    }
    return {
      pinId,
      to: phoneNumber.masked,
      channel: 'sms',
      expiresAt: new Date(verification.expiresAt).toISOString(),
      resendAvailableAt: new Date(verification.resendAvailableAt).toISOString(),
    };
  }

  /**
   * Has a code judged: counted first, then asked about, then settled, and the settling decides.
   * @throws DomainError `verification_not_found`
   * @throws ProviderError where no judgement was heard; the attempt is given back.
   */
  async verify({ pinId, otpCode }: VerifyRequest): Promise<VerifyResponse> {
    const attempt = await this.store.takeAttempt(pinId, this.clock.now());
    if (!attempt.granted) {
      if (attempt.reason === 'not_found') throw verificationNotFound();
      return { verified: false, reason: attempt.reason };
    }
    const verdict = await this.provider
      .verify(attempt.phoneNumber, attempt.providerPinId, otpCode)
      .catch(async (error: unknown) => {
        await this.store.returnAttempt(pinId);
        throw error;
      });
    return this.store.settle(pinId, verdict, this.clock.now());
  }

  private newVerification(phoneNumber: NewVerification['phoneNumber']): NewVerification {
    const { ttlMs, maxAttempts, sendCooldownMs } = this.config.otp;
    const now = this.clock.now();
    return {
      pinId: randomBytes(PIN_ID_BYTES).toString('base64url'),
      phoneNumber,
      createdAt: now,
      expiresAt: now + ttlMs,
      resendAvailableAt: now + sendCooldownMs,
      maxAttempts,
    };
  }
}

function verificationNotFound(): DomainError {
  return new DomainError('verification_not_found', 'Check the pinId, or send a new code.');
}
