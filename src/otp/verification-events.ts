import { Injectable } from '@nestjs/common';
import { EventBus, type CodeChecked, type MessageSent } from '../common/events.js';
import type { RequestContext } from '../common/request-context.js';
import type {
  Attempt,
  ClosedReason,
  SendReservation,
  VerifyResult,
} from '../storage/verification-store.js';

/** Stands where no provider has taken a text. */
const NONE = 'none';

/** What a move was for, and since when. */
export interface OperationContext {
  readonly context: RequestContext;
  /** As `performance.now()` tells it. */
  readonly startedAt: number;
}

/** Tells of the moves of verifications. */
@Injectable()
export class VerificationEvents {
  constructor(private readonly events: EventBus) {}

  /** The providers were asked for a text; one of them took it, or none. */
  sent(
    ticket: SendReservation,
    outcome: MessageSent['outcome'],
    course: OperationContext,
    provider = NONE,
  ): void {
    this.events.emit({
      type: 'message_sent',
      ...placeOf(ticket),
      ...spanOf(course),
      provider,
      resend: ticket.pinToResend !== undefined,
      outcome,
    });
  }

  /** A code was judged and settled. */
  checked(attempt: Attempt, settlement: VerifyResult, course: OperationContext): void {
    this.tried(attempt, settlement.verified ? 'verified' : settlement.reason, course);
  }

  /** A code was asked about, and the provider gave no judgement. */
  checkFailed(attempt: Attempt, course: OperationContext): void {
    this.tried(attempt, 'unknown', course);
  }

  /** A code came for a verification that accepts none. */
  rejected(reason: ClosedReason): void {
    this.events.emit({ type: 'code_rejected', reason });
  }

  cancelled(pinId: string, client: string, context: RequestContext): void {
    this.events.emit({ type: 'verification_cancelled', pinId, client, context });
  }

  private tried(attempt: Attempt, outcome: CodeChecked['outcome'], course: OperationContext): void {
    this.events.emit({
      type: 'code_checked',
      ...placeOf(attempt),
      ...spanOf(course),
      provider: attempt.provider,
      outcome,
    });
  }
}

const placeOf = ({ pinId, client, country, channel }: SendReservation | Attempt) => ({
  pinId,
  client,
  country,
  channel,
});

const spanOf = ({ context, startedAt: beganAt }: OperationContext) => ({
  context,
  durationMs: performance.now() - beganAt,
});
