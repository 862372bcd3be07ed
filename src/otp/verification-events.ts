import { Injectable } from '@nestjs/common';
import { EventBus, type CodeChecked, type MessageSent } from '../common/events.js';
import type { RequestContext } from '../common/request-context.js';
import type { Attempt, ClosedReason, VerifyResult } from '../storage/attempt.types.js';
import type { SendReservation } from '../storage/send.types.js';

/** The `provider` of a message that none accepted. */
const NO_PROVIDER = 'none';

/** The request that an operation belongs to, and its start as `performance.now()`. */
export interface OperationContext {
  readonly context: RequestContext;
  readonly startedAt: number;
}

/** Emits the events of a verification. */
@Injectable()
export class VerificationEvents {
  constructor(private readonly events: EventBus) {}

  sent(
    reservation: SendReservation,
    outcome: MessageSent['outcome'],
    operation: OperationContext,
    provider = NO_PROVIDER,
  ): void {
    this.events.emit({
      type: 'message_sent',
      ...identity(reservation),
      ...timing(operation),
      provider,
      resend: reservation.pinToResend !== undefined,
      outcome,
    });
  }

  /** The provider checked a code. */
  checked(attempt: Attempt, result: VerifyResult, operation: OperationContext): void {
    this.emitChecked(attempt, result.verified ? 'verified' : result.reason, operation);
  }

  /** The provider gave no result. */
  checkFailed(attempt: Attempt, operation: OperationContext): void {
    this.emitChecked(attempt, 'unknown', operation);
  }

  /** A code was submitted for a verification that is closed. */
  rejected(reason: ClosedReason): void {
    this.events.emit({ type: 'code_rejected', reason });
  }

  cancelled(pinId: string, client: string, context: RequestContext): void {
    this.events.emit({ type: 'verification_cancelled', pinId, client, context });
  }

  private emitChecked(
    attempt: Attempt,
    outcome: CodeChecked['outcome'],
    operation: OperationContext,
  ): void {
    const { provider } = attempt;
    this.events.emit({
      type: 'code_checked',
      ...identity(attempt),
      ...timing(operation),
      provider,
      outcome,
    });
  }
}

const identity = ({ pinId, client, country, channel }: SendReservation | Attempt) => ({
  pinId,
  client,
  country,
  channel,
});

const timing = ({ context, startedAt }: OperationContext) => ({
  context,
  durationMs: performance.now() - startedAt,
});
