import { Injectable } from '@nestjs/common';
import { DEFAULT_CHANNEL, type Channel } from '../common/channel.js';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import type { PhoneNumber } from '../common/phone-number.js';
import { NumberPolicy, type CheckedDestination } from '../destinations/number-policy.js';
import { SmsPumpingDetector } from '../destinations/sms-pumping-detector.js';
import { ProviderRouter } from '../providers/provider-router.js';
import type { SendAdmission, SendAdmitted } from '../storage/send.types.js';
import { VerificationStore } from '../storage/verification-store.js';
import type { RequestClient } from './current-client.decorator.js';
import type { ResendOtpDto, SendOtpDto, SendOtpResponse } from './dto/send-otp.dto.js';
import type { VerificationResponse } from './dto/verification.dto.js';
import {
  toNewResponse,
  toReplayedResponse,
  toLimitError,
  type IdempotentResponse,
} from './idempotent-response.js';
import { toNewVerification, toVerificationResponse } from './otp.mapper.js';
import { MessageSender } from './message-sender.js';
import { parsePinId } from './pin-id.js';
import { VerificationEvents } from './verification-events.js';

const NOT_PENDING = 'The verification is no longer pending.';
const EXPIRES_SOON = 'The code expires too soon to be sent again.';

/**
 * Sends and resends codes, which the provider generates. Every message is reserved in the store
 * before the provider is called, and completed there afterwards.
 */
@Injectable()
export class OtpService {
  constructor(
    private readonly destinations: NumberPolicy,
    private readonly smsPumping: SmsPumpingDetector,
    private readonly store: VerificationStore,
    private readonly router: ProviderRouter,
    private readonly sender: MessageSender,
    private readonly clock: Clock,
    private readonly events: VerificationEvents,
  ) {}

  /**
   * Sends a new code. The reservation is stored before the provider is called, so that neither a
   * race nor a crash sends a second message.
   * @throws DomainError `validation_failed`, `destination_not_allowed`, `cooldown_active`,
   * `quota_exceeded`, `destination_suspended`, or the error that is replayed for the idempotency
   * key
   * @throws SendFailedError if no provider accepted the message
   */
  async send(dto: SendOtpDto, client: RequestClient): Promise<IdempotentResponse<SendOtpResponse>> {
    const { rules, idempotency, context } = client;
    const now = this.clock.now();
    const { channel = DEFAULT_CHANNEL } = dto;
    assertHasChannel(this.router.channels, channel);
    const phoneNumber = dto.phoneNumber.forChannel(channel);
    const destination = this.checkDestination(phoneNumber, channel, client, now);
    const route = this.router.getRoute(phoneNumber, rules.providers);
    if (!destination.isTestNumber) {
      assertHasChannel(route.channels, channel);
      // A cheap check before the reservation. With an idempotency key, a response may be replayed.
      if (!idempotency) route.assertAvailable(channel, client.client);
    }
    const floodFilters = route.getFloodFilters(channel);
    const options = { floodFilters, now };
    const verification = toNewVerification(dto, client, destination, options);
    const evaluate = this.smsPumping.getEvaluator(rules);
    const admission = await this.store.reserveSend(verification, idempotency, evaluate, context);
    return this.handleAdmission(admission, channel, client, now);
  }

  /**
   * Sends the same code again. Its expiry and its attempts stay as they are.
   * @throws DomainError `verification_not_found`, `not_resendable`, `resend_limit_reached`, and
   * those of {@link send}
   * @throws SendFailedError if no provider accepted the message
   */
  async resend(
    dto: ResendOtpDto,
    requestClient: RequestClient,
  ): Promise<IdempotentResponse<SendOtpResponse>> {
    const { client, rules, idempotency, context } = requestClient;
    const now = this.clock.now();
    const { channel = DEFAULT_CHANNEL } = dto;
    assertHasChannel(this.router.channels, channel);
    const findFloodFilters = (to: PhoneNumber, issuer: string) =>
      this.router.getResendFilters(to, channel, issuer, rules.providers);
    const pinId = parsePinId(dto.pinId);
    const request = { pinId, client, channel, findFloodFilters, limits: rules, now };
    const evaluate = this.smsPumping.getEvaluator(rules);
    const admission = await this.store.reserveResend(request, idempotency, evaluate, context);
    if (admission.outcome === 'not_found') throw new DomainError('verification_not_found');
    if (admission.outcome === 'not_resendable')
      throw new DomainError('not_resendable', { message: NOT_PENDING });
    if (admission.outcome === 'expires_soon')
      throw new DomainError('not_resendable', { message: EXPIRES_SOON });
    if (admission.outcome === 'admitted') {
      await this.assertResendAllowed(admission, requestClient);
    }
    return this.handleAdmission(admission, channel, requestClient, now);
  }

  /** @throws DomainError `verification_not_found`, `stored_data_unreadable` */
  async getVerification(
    pinId: string,
    { client, context }: RequestClient,
  ): Promise<VerificationResponse> {
    const found = await this.store.find(parsePinId(pinId), client, this.clock.now(), context);
    if (!found) throw new DomainError('verification_not_found');
    if ('outcome' in found) throw new DomainError('stored_data_unreadable', { cause: found });
    const attemptsPerCode = this.router.getAttemptsPerCode(found.provider);
    return toVerificationResponse(found, attemptsPerCode, this.clock);
  }

  /** Cancels a verification that is still pending. @throws DomainError `verification_not_found` */
  async cancel(pinId: string, { client, context }: RequestClient): Promise<void> {
    const outcome = await this.store.cancel(parsePinId(pinId), client, this.clock.now(), context);
    if (outcome === 'not_found') throw new DomainError('verification_not_found');
    if (outcome === 'cancelled') this.events.emitCancelled(pinId, client, context);
  }

  /** Sends an admitted message. Else throws the error of a limit, or replays an earlier response. */
  private async handleAdmission(
    admission: SendAdmission,
    channel: Channel,
    client: RequestClient,
    now: number,
  ): Promise<IdempotentResponse<SendOtpResponse>> {
    const { rules, context } = client;
    if ('violation' in admission) this.smsPumping.record(admission, rules, context);
    switch (admission.outcome) {
      case 'admitted':
        return toNewResponse(await this.sender.send(admission.reservation, client, now));
      case 'suspended':
      case 'limited': {
        const error = toLimitError(admission, now);
        this.events.emitBlocked(error, admission.country, channel, client);
        throw error;
      }
      default:
        return toReplayedResponse(admission);
    }
  }

  /** @throws DomainError `validation_failed` or `destination_not_allowed` */
  private checkDestination(
    number: PhoneNumber,
    channel: Channel,
    client: RequestClient,
    now: number,
  ): CheckedDestination {
    try {
      return this.destinations.check(number, channel, client.rules.destinations, now);
    } catch (error) {
      this.events.emitBlocked(error, number.country, channel, client);
      throw error;
    }
  }

  /**
   * Releases the reservation if the rules do not allow the resend. Test numbers are always allowed.
   * @throws DomainError `validation_failed` or `destination_not_allowed`
   */
  private async assertResendAllowed(
    { reservation }: SendAdmitted,
    client: RequestClient,
  ): Promise<void> {
    const { phoneNumber, channel, entries, resendOf, country } = reservation;
    const isTestNumber = entries === undefined;
    if (isTestNumber) return;
    try {
      const issuer = resendOf?.provider ?? '';
      const channels = this.router.getResendChannels(phoneNumber, issuer, client.rules.providers);
      assertHasChannel(channels, channel);
      this.destinations.checkResend(phoneNumber, channel, client.rules.destinations);
    } catch (error) {
      await this.store.releaseSend(reservation, [], client.context);
      this.events.emitBlocked(error, country, channel, client);
      throw error;
    }
  }
}

/** @throws DomainError `validation_failed` unless the channel is one of `channels`. */
function assertHasChannel(channels: readonly Channel[], channel: Channel): void {
  if (channels.includes(channel)) return;
  const detail = `No provider of this service sends by ${channel} to this number. Give one of: ${channels.join(', ')}.`;
  throw new DomainError('validation_failed', { fieldErrors: [{ pointer: '#/channel', detail }] });
}
