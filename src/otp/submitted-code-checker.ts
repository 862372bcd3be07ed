import { Inject, Injectable } from '@nestjs/common';
import type { CheckResult } from '../common/check-result.js';
import { Clock } from '../common/clock.js';
import { providersConfig, type ProvidersConfig } from '../config/providers.config.js';
import { ProviderError } from '../providers/provider-error.js';
import { ProviderRouter } from '../providers/provider-router.js';
import type { Attempt, VerifiedResult, VerifyResult } from '../storage/attempt.types.js';
import { VerificationStore } from '../storage/verification-store.js';
import { AttemptProofs } from './attempt-proofs.js';
import { LostAnswerFinder } from './lost-answer-finder.js';
import type { VerifyOperation } from './verification-events.js';

/** Lets the provider check the code of a reserved attempt, and stores the result. */
@Injectable()
export class SubmittedCodeChecker {
  constructor(
    private readonly store: VerificationStore,
    private readonly router: ProviderRouter,
    private readonly lostAnswers: LostAnswerFinder,
    private readonly proofs: AttemptProofs,
    private readonly clock: Clock,
    @Inject(providersConfig.KEY) private readonly config: ProvidersConfig,
  ) {}

  /**
   * The provider is called within `PROVIDER_TIMEOUT`, though several times if an answer was lost.
   * @throws ProviderError if it gave no result. The attempt stays counted if it may have checked the
   * code.
   */
  async check(attempt: Attempt, code: string, operation: VerifyOperation): Promise<VerifyResult> {
    const endsAt = performance.now() + this.config.timeoutMs;
    const getLeftMs = () => Math.ceil(endsAt - performance.now());
    const { context } = operation;
    if (attempt.followsLostAnswer) {
      // The other half is for the check.
      const earlier = await this.findEarlierResult(attempt, operation, getLeftMs() / 2);
      if (earlier) return earlier;
    }
    const { phoneNumber, provider, providerPinId } = attempt;
    const pin = { provider, pinId: providerPinId };
    const options = { context, timeoutMs: getLeftMs() };
    let result: CheckResult;
    try {
      result = await this.router.verify(phoneNumber, pin, code, options);
    } catch (error) {
      const found = await this.findOwnResult(attempt, error, operation, getLeftMs());
      if (found) return found;
      throw error;
    }
    if (result === 'attempts_exhausted') {
      // A right code whose answer was lost has used up the PIN, too.
      const earlier = await this.findEarlierResult(attempt, operation, getLeftMs());
      if (earlier) return earlier;
    }
    const now = this.clock.now();
    const { proofRequest } = operation;
    const proven =
      result === 'verified' ? await this.proofs.addTo(attempt, proofRequest, now) : attempt;
    return this.store.completeAttempt(proven, result, now, context);
  }

  /** Whether the code of an earlier check was right; `undefined` if that is not known. */
  private async findEarlierResult(
    attempt: Attempt,
    operation: VerifyOperation,
    timeoutMs: number,
  ): Promise<VerifyResult | undefined> {
    const result = await this.lostAnswers
      .find(attempt, attempt.isRepeat, operation, timeoutMs)
      .catch(ignoreProviderError);
    if (result && !result.verified) await this.store.releaseAttempt(attempt, operation.context);
    return result;
  }

  /**
   * The result of a code that was right though its check failed; `undefined` if that is not known.
   * Releases the attempt if it was not checked.
   */
  private async findOwnResult(
    attempt: Attempt,
    error: unknown,
    operation: VerifyOperation,
    timeoutMs: number,
  ): Promise<VerifiedResult | undefined> {
    const { context } = operation;
    if (error instanceof ProviderError && !error.ambiguous) {
      await this.store.releaseAttempt(attempt, context);
      return undefined;
    }
    const result =
      timeoutMs > 0
        ? await this.lostAnswers
            .find(attempt, true, operation, timeoutMs)
            .catch(ignoreProviderError)
        : undefined;
    if (result?.verified) return result;
    await this.lostAnswers.keepAttempt(attempt, context);
    return undefined;
  }
}

/** If the provider does not answer, the result stays unknown. */
function ignoreProviderError(error: unknown): undefined {
  if (!(error instanceof ProviderError)) throw error;
  return undefined;
}
