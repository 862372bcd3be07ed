import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { ProviderError } from '../providers/provider-error.js';
import { ProviderRouter } from '../providers/provider-router.js';
import { isTestProvider } from '../providers/test-number.provider.js';
import type { Attempt, VerifyResult } from '../storage/attempt.types.js';
import { VerificationStore } from '../storage/verification-store.js';
import { TimingEqualizer } from './timing-equalizer.js';
import { VerificationEvents, type OperationContext } from './verification-events.js';

/** Lets the provider check the code of a reserved attempt, and stores the result. */
@Injectable()
export class SubmittedCodeChecker {
  private readonly timing = new TimingEqualizer();

  constructor(
    private readonly store: VerificationStore,
    private readonly router: ProviderRouter,
    private readonly clock: Clock,
    private readonly events: VerificationEvents,
  ) {}

  /** @throws ProviderError if the provider gave no result. */
  async check(attempt: Attempt, code: string, operation: OperationContext): Promise<VerifyResult> {
    const { phoneNumber, provider, providerPinId } = attempt;
    const checkResult = await this.router
      .verify(phoneNumber, { provider, pinId: providerPinId }, code, operation.context)
      .catch(async (error: unknown) => {
        this.events.emitChecked(attempt, 'unknown', operation);
        await this.handleFailure(attempt, error, operation);
        throw error;
      });
    const now = this.clock.now();
    const result = await this.store.completeAttempt(attempt, checkResult, now, operation.context);
    if (!isTestProvider(attempt.provider)) this.timing.record(operation.startedAt);
    this.events.emitChecked(attempt, result.verified ? 'verified' : result.reason, operation);
    return result;
  }

  /** Lets a rejection take as long as a check: see {@link TimingEqualizer}. */
  async delayRejection({ startedAt }: OperationContext): Promise<void> {
    await this.timing.delay(startedAt);
  }

  /** Releases an attempt whose code was certainly not checked, and no other. */
  private async handleFailure(
    attempt: Attempt,
    error: unknown,
    { context }: OperationContext,
  ): Promise<void> {
    const wasNotChecked = error instanceof ProviderError && !error.ambiguous;
    if (wasNotChecked) await this.store.releaseAttempt(attempt, context);
    else await this.store.keepAttempt(attempt, context);
  }
}
