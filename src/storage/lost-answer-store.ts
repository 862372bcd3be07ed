import { Injectable } from '@nestjs/common';
import { EventBus } from '../common/events.js';
import type { RequestContext } from '../common/request-context.js';
import type { Attempt } from './attempt.types.js';
import { measureOperation } from './measure-operation.js';
import { LostAnswerRepository } from './repositories/lost-answer.repository.js';

/**
 * Checks whose answers were lost. Their attempts stay counted until the provider tells the result.
 */
@Injectable()
export class LostAnswerStore {
  constructor(
    private readonly lostAnswers: LostAnswerRepository,
    private readonly events: EventBus,
  ) {}

  /**
   * Keeps an attempt counted, because the answer to its check was lost. The client may repeat the
   * request; the next request first asks the provider for the result.
   */
  keepAttempt(attempt: Attempt, now: number, context: RequestContext): Promise<void> {
    return measureOperation(this.events, 'keepAttempt', context, () =>
      this.lostAnswers.keep(attempt, now),
    );
  }

  /**
   * Records that the provider has verified a code of the verification, which then accepts no more
   * codes.
   * @param wasCheckRequested whether the provider was asked to check the attempt's code
   * @returns whether the attempt's code was the right one: no other check of the verification lacks
   * a result, and no other request has got `verified: true`
   */
  completeVerified(
    attempt: Attempt,
    wasCheckRequested: boolean,
    now: number,
    context: RequestContext,
  ): Promise<boolean> {
    return measureOperation(this.events, 'completeVerified', context, () =>
      this.lostAnswers.complete(attempt, wasCheckRequested, now),
    );
  }
}
