import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import type { RequestContext } from '../common/request-context.js';
import { ProviderRouter } from '../providers/provider-router.js';
import type { Attempt, VerifiedResult } from '../storage/attempt.types.js';
import { LostAnswerStore } from '../storage/lost-answer-store.js';
import { toVerifiedResult } from '../storage/verified-result.js';
import { AttemptProofs } from './attempt-proofs.js';
import type { VerifyOperation } from './verification-events.js';

/** The provider has verified a code: that of this request, or another code of the verification. */
type VerifiedCodeResult =
  VerifiedResult | { readonly verified: false; readonly reason: 'already_verified' };

/** Asks the provider for the results of checks whose answers were lost. */
@Injectable()
export class LostAnswerFinder {
  constructor(
    private readonly store: LostAnswerStore,
    private readonly router: ProviderRouter,
    private readonly proofs: AttemptProofs,
    private readonly clock: Clock,
  ) {}

  /**
   * Asks the provider whether it has verified a code of the verification, and stores that.
   * @param wasCheckRequested whether the provider was asked to check the attempt's code: by this
   * request, or by an earlier one with the same idempotency key. If not, a verified
   * code must be another one.
   * @param timeoutMs for the call of the provider, in milliseconds; by default `PROVIDER_TIMEOUT`
   * @returns `undefined` if the provider has verified no code, or cannot say
   * @throws ProviderError if the provider does not answer
   */
  async find(
    attempt: Attempt,
    wasCheckRequested: boolean,
    { context, proofRequest }: VerifyOperation,
    timeoutMs?: number,
  ): Promise<VerifiedCodeResult | undefined> {
    const { client, phoneNumber, provider, providerPinId, createdAt } = attempt;
    const pin = { provider, pinId: providerPinId };
    const options = { context, client, timeoutMs };
    const found = await this.router.findVerified(phoneNumber, pin, createdAt, options);
    if (found !== 'verified') return undefined;
    const now = this.clock.now();
    const proven = await this.proofs.addTo(attempt, proofRequest, now);
    return (await this.store.completeVerified(proven, wasCheckRequested, now, context))
      ? toVerifiedResult(proven)
      : { verified: false, reason: 'already_verified' };
  }

  /**
   * Stores that the answer to a check was lost. The attempt stays counted: its code may have been
   * checked.
   */
  keepAttempt(attempt: Attempt, context: RequestContext): Promise<void> {
    return this.store.keepAttempt(attempt, this.clock.now(), context);
  }
}
