import { Injectable } from '@nestjs/common';
import { EventBus } from '../common/events.js';
import type { RequestContext } from '../common/request-context.js';
import type { Attempt } from './attempt.types.js';
import { measureOperation } from './measure-operation.js';
import { LostAnswerRepository } from './repositories/lost-answer.repository.js';

/** The checks whose answers were lost: their attempts stay counted until the provider knows the result. */
@Injectable()
export class LostAnswerStore {
  constructor(
    private readonly lostAnswers: LostAnswerRepository,
    private readonly events: EventBus,
  ) {}

  /**
   * The answer to a check is lost: the attempt stays counted. The same request may repeat it, and the
   * next one asks the provider what became of it.
   */
  keepAttempt(attempt: Attempt, now: number, context: RequestContext): Promise<void> {
    return measureOperation(this.events, 'keepAttempt', context, () =>
      this.lostAnswers.keep(attempt, now),
    );
  }

  /**
   * The provider has verified a code of the verification, which accepts no other from now on.
   * @param isCheckedCode whether the provider was asked to check the attempt's code
   * @returns whether that was the right code: no other check of the verification lacks a result, and
   * no other request has got `verified: true`
   */
  completeVerified(
    attempt: Attempt,
    isCheckedCode: boolean,
    now: number,
    context: RequestContext,
  ): Promise<boolean> {
    return measureOperation(this.events, 'completeVerified', context, () =>
      this.lostAnswers.complete(attempt, isCheckedCode, now),
    );
  }
}
