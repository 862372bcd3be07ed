import { Injectable } from '@nestjs/common';
import type { Channel } from '../common/channel.js';
import { DomainError } from '../common/domain-error.js';
import { SEND_REFUSALS } from '../common/error-catalog.js';
import { EventBus } from '../common/events.js';
import type {
  CheckOutcome,
  SendOutcome,
  VerificationClosedReason,
} from '../common/label-values.js';
import type { RequestContext } from '../common/request-context.js';
import type { ProofRequest } from '../proof/proof-signer.js';
import type { RequestClient } from './current-client.decorator.js';
import type { Attempt } from '../storage/attempt.types.js';
import type { SendReservation } from '../storage/send.types.js';

/** The `provider` of a message that no provider accepted. */
const NO_PROVIDER = 'none';

/** The request that an operation belongs to, and its start as `performance.now()`. */
export interface OperationContext {
  readonly context: RequestContext;
  readonly startedAt: number;
}

/** A verify, and the proof that its client asks for. */
export interface VerifyOperation extends OperationContext {
  readonly proofRequest: ProofRequest | undefined;
}

/** Emits the events of a verification. */
@Injectable()
export class VerificationEvents {
  constructor(private readonly events: EventBus) {}

  emitSent(
    reservation: SendReservation,
    outcome: SendOutcome,
    operation: OperationContext,
    provider = NO_PROVIDER,
  ): void {
    this.events.emit({
      type: 'message_sent',
      provider,
      resend: reservation.resendOf !== undefined,
      outcome,
      ...describeOperation(reservation, operation),
    });
  }

  /**
   * Emits `send_blocked` if a send ends with an error because a rule or a limit refused it.
   * @param country of the destination; `undefined` for a test number
   */
  emitBlocked(
    error: unknown,
    country: string | undefined,
    channel: Channel,
    { client, context }: RequestClient,
  ): void {
    if (country === undefined || !(error instanceof DomainError)) return;
    const problem = error.code;
    if (SEND_REFUSALS.has(problem)) {
      this.events.emit({ type: 'send_blocked', country, problem, channel, client, context });
    }
  }

  /** The provider checked a code; `unknown` if it gave no result, or that could not be stored. */
  emitChecked(attempt: Attempt, outcome: CheckOutcome, operation: OperationContext): void {
    this.events.emit({
      type: 'code_checked',
      provider: attempt.provider,
      outcome,
      ...describeOperation(attempt, operation),
    });
  }

  /** A code was submitted for a verification that is closed. */
  emitRejected(reason: VerificationClosedReason): void {
    this.events.emit({ type: 'code_rejected', reason });
  }

  emitCancelled(pinId: string, client: string, context: RequestContext): void {
    this.events.emit({ type: 'verification_cancelled', pinId, client, context });
  }
}

function describeOperation(
  { pinId, client, country, channel, createdAt }: SendReservation | Attempt,
  { context, startedAt }: OperationContext,
) {
  const durationMs = performance.now() - startedAt;
  return { context, pinId, client, country, channel, createdAt, durationMs };
}
