import { Injectable } from '@nestjs/common';
import type { ClientRules } from '../clients/client-rules.js';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import type { RequestContext } from '../common/request-context.js';
import { ProviderRouter } from '../providers/provider-router.js';
import type { ProviderSendResult } from '../providers/send-in-order.js';
import { ProviderReferences } from '../storage/provider-references.js';
import type { SendReservation } from '../storage/send.types.js';
import { VerificationStore } from '../storage/verification-store.js';
import type { RequestClient } from './current-client.decorator.js';
import type { SendOtpResponse } from './dto/send-otp.dto.js';
import { toSendResponse } from './otp.mapper.js';
import { VerificationEvents } from './verification-events.js';

const NO_LONGER_OPEN =
  'The verification ended, or its attempts were used up, while the message was sent.';

/** Calls the provider for a reserved send, and stores the outcome. */
@Injectable()
export class MessageSender {
  constructor(
    private readonly store: VerificationStore,
    private readonly router: ProviderRouter,
    private readonly clock: Clock,
    private readonly events: VerificationEvents,
    private readonly references: ProviderReferences,
  ) {}

  /**
   * @throws SendFailedError if no provider accepted the message
   * @throws DomainError `verification_not_found` if the verification was erased meanwhile, or
   * `not_resendable` if that of a resend has ended or has no attempts left
   */
  async send(
    reservation: SendReservation,
    { rules, context }: RequestClient,
    now: number,
  ): Promise<SendOtpResponse> {
    const operation = { context, startedAt: performance.now() };
    const resendAvailableAt = now + rules.otp.sendCooldownMs;
    const result = await this.callProvider(reservation, rules, context).catch(
      async (error: unknown) => {
        const possiblySentBy = this.router.getPossibleSenders(error);
        const outcome = possiblySentBy.length > 0 ? 'ambiguous' : 'failed';
        this.events.emitSent(reservation, outcome, operation);
        const failedSendOutcome = this.router.isUnreachable(error) ? 'unreachable' : possiblySentBy;
        await this.store.releaseSend(reservation, failedSendOutcome, context);
        throw error;
      },
    );
    const { codeLength } = result;
    const response = toSendResponse(reservation, codeLength, resendAvailableAt, this.clock);
    const outcome = await this.store
      .confirmSend(reservation, result, response, context)
      // The provider accepted the message, even if that cannot be stored.
      .finally(() => {
        this.events.emitSent(reservation, 'accepted', operation, result.provider);
      });
    if (outcome === 'confirmed') return response;
    // The message was sent, but its code is not accepted: meanwhile the verification has ended, has
    // no attempts left, was erased, or was marked as failed because it seemed abandoned.
    if (outcome === 'not_resendable')
      throw new DomainError('not_resendable', { message: NO_LONGER_OPEN });
    throw new DomainError('verification_not_found');
  }

  private callProvider(
    reservation: SendReservation,
    { providers: order, templates }: ClientRules,
    context: RequestContext,
  ): Promise<ProviderSendResult> {
    const { client, phoneNumber, channel, locale, resendOf, entries } = reservation;
    const reference = this.references.create(reservation);
    const options = { context, client, locale, reference, order, templates };
    return resendOf === undefined
      ? this.router.send(phoneNumber, channel, { isTestNumber: entries === undefined, ...options })
      : this.router.resend(phoneNumber, resendOf, channel, options);
  }
}
