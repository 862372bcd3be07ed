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
   * Checks a code. If an answer was lost, the provider is called several times; all calls together
   * may take `PROVIDER_TIMEOUT`.
   * @throws ProviderError if the provider gave no result. The attempt stays counted if the provider
   * may have checked the code.
   */
  async check(attempt: Attempt, code: string, operation: VerifyOperation): Promise<VerifyResult> {
    const endsAt = performance.now() + this.config.timeoutMs;
    const getLeftMs = () => Math.ceil(endsAt - performance.now());
    const { context } = operation;
    if (attempt.followsLostAnswer) {
      // The other half of the time is for the check.
      const earlier = await this.findEarlierResult(attempt, operation, getLeftMs() / 2);
      if (earlier) return earlier;
    }
    const { client, phoneNumber, provider, providerPinId } = attempt;
    const pin = { provider, pinId: providerPinId };
    const options = { context, client, timeoutMs: getLeftMs() };
    let result: CheckResult;
    try {
      result = await this.router.verify(phoneNumber, pin, code, options);
    } catch (error) {
      const found = await this.resolveFailedCheck(attempt, error, operation, getLeftMs());
      if (found) return found;
      throw error;
    }
    if (result === 'attempts_exhausted') {
      // The provider may have verified the code before, in a check whose answer was lost.
      const earlier = await this.findEarlierResult(attempt, operation, getLeftMs());
      if (earlier) return earlier;
    }
    const now = this.clock.now();
    const { proofRequest } = operation;
    const proven =
      result === 'verified' ? await this.proofs.addTo(attempt, proofRequest, now) : attempt;
    const getAttemptsPerCode = (provider: string) => this.router.getAttemptsPerCode(provider);
    return this.store.completeAttempt(proven, result, now, context, getAttemptsPerCode);
  }

  /**
   * Finds whether the provider has verified a code in an earlier check; `undefined` if it has not,
   * or if that is not known. Releases the attempt if another code than its own was right.
   */
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
   * After a failed call, finds whether the code was right; `undefined` if it was not, or if that is
   * not known. Then releases the attempt if its code was certainly not checked, else keeps it counted.
   * @param error of the failed call
   */
  private async resolveFailedCheck(
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
