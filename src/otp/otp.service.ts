import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { errors } from '../common/domain-error.js';
import { pooledRandomBytes } from '../common/random.js';
import type { RequestContext } from '../common/request-context.js';
import { otpConfig, type OtpConfig } from '../config/otp.config.js';
import { providersConfig, type ProvidersConfig } from '../config/providers.config.js';
import { DestinationPolicy } from '../destinations/destination-policy.js';
import { SmsPumpingDetector } from '../destinations/sms-pumping-detector.js';
import { Couriers, isTest } from '../providers/couriers.js';
import { SendFailedError } from '../providers/provider-failover.js';
import {
  VerificationStore,
  type SendAdmission,
  type SendReservation,
  type VerifyResult,
} from '../storage/verification-store.js';
import {
  newResponse,
  toLimitError,
  replay,
  type IdempotentResponse,
} from './idempotent-response.js';
import type { RequestClient } from './current-client.decorator.js';
import { TimingEqualizer } from './timing-equalizer.js';
import { VerificationEvents } from './verification-events.js';
import type { ResendOtpDto, SendOtpDto, SendOtpResponse } from './dto/send-otp.dto.js';
import type { VerificationResponse } from './dto/verification.dto.js';
import type { VerifyOtpDto } from './dto/verify-otp.dto.js';

/** 128 bits: nobody finds another's verification by trying. */
const PIN_ID_BYTES = 16;

/** Those bytes in base64url. */
const PIN_ID = /^[\w-]{22}$/;

/** Decides who is texted and what counts as proof; the code itself is the provider's. */
@Injectable()
export class OtpService {
  constructor(
    private readonly policy: DestinationPolicy,
    private readonly guard: SmsPumpingDetector,
    private readonly store: VerificationStore,
    private readonly couriers: Couriers,
    private readonly clock: Clock,
    @Inject(otpConfig.KEY) private readonly config: OtpConfig,
    @Inject(providersConfig.KEY) private readonly providers: ProvidersConfig,
    private readonly timing: TimingEqualizer,
    private readonly moves: VerificationEvents,
  ) {}

  /**
   * Has a new code sent. What the send is allowed to do is written down before the provider is
   * called, so that neither a race nor a crash can text twice.
   * @throws DomainError `destination_not_allowed`, `cooldown_active`, `quota_exceeded`,
   * `destination_suspended`, or what a repeated request ends with
   * @throws SendFailedError where no provider took the text
   */
  async send(
    request: SendOtpDto,
    { client, idempotency: keyed, context }: RequestClient,
  ): Promise<IdempotentResponse<SendOtpResponse>> {
    const { phoneNumber, channel = 'sms', reference, endUserIp } = request;
    const now = this.clock.now();
    const { country, prefix, test } = this.policy.check(phoneNumber, now);
    // Shed before it costs anything. A repeat may have its answer already.
    const refusal = keyed ? undefined : this.couriers.refusal(test);
    if (refusal) throw refusal;
    const { ttlMs, maxAttempts } = this.config;
    const admission = await this.store.reserveSend(
      {
        pinId: pooledRandomBytes(PIN_ID_BYTES).toString('base64url'),
        client,
        phoneNumber,
        destination: { country, prefix },
        endUserAddress: endUserIp,
        limited: !test,
        channel,
        reference,
        createdAt: now,
        expiresAt: now + ttlMs,
        maxAttempts,
      },
      keyed,
      this.guard.evaluate,
    );
    return this.goOn(admission, now, context);
  }

  /**
   * Has the same code sent once more. Neither its expiry nor its attempts start anew.
   * @throws DomainError `verification_not_found`, `not_resendable`, and as {@link send}
   * @throws SendFailedError where no provider took the text
   */
  async resend(
    request: ResendOtpDto,
    { client, idempotency: keyed, context }: RequestClient,
  ): Promise<IdempotentResponse<SendOtpResponse>> {
    const { channel = 'sms' } = request;
    const now = this.clock.now();
    const resend = { pinId: possible(request.pinId), client, channel, now };
    const admission = await this.store.reserveResend(resend, keyed, this.guard.evaluate);
    if (admission.outcome === 'not_found') throw errors.verificationNotFound();
    if (admission.outcome === 'not_resendable') {
      throw errors.notResendable();
    }
    return this.goOn(admission, now, context);
  }

  /**
   * Has a code judged: counted first, then asked about, then settled, and the settling decides.
   * @throws DomainError `verification_not_found`, `quota_exceeded`, or as {@link send}
   * @throws ProviderError where no judgement was heard; the attempt is given back.
   */
  async verify(
    request: VerifyOtpDto,
    { client, idempotency: keyed, context }: RequestClient,
  ): Promise<IdempotentResponse<VerifyResult>> {
    const { pinId = '', phoneNumber, otpCode, reference } = request;
    const selector = phoneNumber ? { phoneNumber } : { pinId: possible(pinId) };
    const now = this.clock.now();
    const course = { context, startedAt: performance.now() };
    const asked = { selector, client, reference, now };
    const leave = await this.store.reserveAttempt(asked, keyed);
    // A handle cannot be guessed, a number can.
    if (phoneNumber && leave.outcome !== 'granted') await this.timing.delay(course.startedAt);
    switch (leave.outcome) {
      case 'granted':
        break;
      case 'not_found':
        throw errors.verificationNotFound();
      case 'closed':
        this.moves.rejected(leave.reason);
        return newResponse({ verified: false, reason: leave.reason });
      case 'limited':
        throw toLimitError(leave, now);
      default:
        return replay(leave);
    }
    const { attempt } = leave;
    const { phoneNumber: number, provider, providerPinId } = attempt;
    const verdict = await this.couriers
      .verify(number, { provider, pinId: providerPinId }, otpCode, context)
      .catch(async (error: unknown) => {
        this.moves.checkFailed(attempt, course);
        await this.store.releaseAttempt(attempt);
        throw error;
      });
    const settlement = await this.store.completeAttempt(attempt, verdict, this.clock.now());
    if (!isTest(attempt)) this.timing.record(course.startedAt);
    this.moves.checked(attempt, settlement, course);
    return newResponse(settlement);
  }

  /** @throws DomainError `verification_not_found` */
  async status(pinId: string, { client }: RequestClient): Promise<VerificationResponse> {
    const verification = await this.store.find(possible(pinId), client, this.clock.now());
    if (!verification) throw errors.verificationNotFound();
    const { status, phoneNumber, channel, createdAt, expiresAt, verifiedAt } = verification;
    return {
      pinId,
      status,
      to: phoneNumber.masked,
      channel,
      createdAt: isoTime(createdAt),
      expiresAt: isoTime(expiresAt),
      ...(verifiedAt !== undefined && { verifiedAt: isoTime(verifiedAt) }),
      attemptsRemaining: verification.attemptsRemaining,
      ...(isTest(verification) && { test: true }),
    };
  }

  /** Ends a verification that is still pending. @throws DomainError `verification_not_found` */
  async cancel(pinId: string, { client, context }: RequestClient): Promise<void> {
    const cancelled = await this.store.cancel(possible(pinId), client, this.clock.now());
    if (!cancelled) throw errors.verificationNotFound();
    this.moves.cancelled(pinId, client, context);
  }

  private goOn(
    admission: SendAdmission,
    now: number,
    context: RequestContext,
  ): Promise<IdempotentResponse<SendOtpResponse>> | IdempotentResponse<SendOtpResponse> {
    switch (admission.outcome) {
      case 'admitted':
        this.guard.record(admission, context);
        return this.deliver(admission.reservation, now, context);
      case 'suspended':
        this.guard.record(admission, context);
        throw toLimitError(admission, now);
      case 'limited':
        throw toLimitError(admission, now);
      default:
        return replay(admission);
    }
  }

  /** Has the providers asked for the text that the ticket stands for, and writes down what they said. */
  private async deliver(
    ticket: SendReservation,
    now: number,
    context: RequestContext,
  ): Promise<IdempotentResponse<SendOtpResponse>> {
    const { pinId, phoneNumber, channel, pinToResend } = ticket;
    const course = { context, startedAt: performance.now() };
    const response: SendOtpResponse = {
      pinId,
      to: phoneNumber.masked,
      channel,
      expiresAt: isoTime(ticket.expiresAt),
      resendAvailableAt: isoTime(now + this.config.sendCooldownMs),
    };
    const taken = await (
      pinToResend === undefined
        ? this.couriers.send(phoneNumber, channel, ticket.entries === undefined, context)
        : this.couriers.resend(phoneNumber, pinToResend, channel, context)
    ).catch(async (error: unknown) => {
      // Of a fault of ours nobody knows whom it has kept from what.
      const possiblySentBy =
        error instanceof SendFailedError ? error.possiblySentBy : this.providers.names;
      this.moves.sent(ticket, possiblySentBy.length > 0 ? 'ambiguous' : 'failed', course);
      await this.store.releaseSend(ticket, possiblySentBy);
      throw error;
    });
    const confirmed = await this.store.confirmSend(ticket, taken, response);
    this.moves.sent(ticket, 'accepted', course, taken.provider);
    if (confirmed) return newResponse(response);
    // It was erased, or taken for lost: the text is out, but nothing can be verified with it.
    throw errors.verificationNotFound();
  }
}

const isoTime = (ms: number): string => new Date(ms).toISOString();

/** A handle that nobody was given is not looked for: PostgreSQL takes none with a NUL. */
function possible(pinId: string): string {
  if (!PIN_ID.test(pinId)) throw errors.verificationNotFound();
  return pinId;
}
