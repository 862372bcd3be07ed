import { Injectable } from '@nestjs/common';
import { Events, type CodeJudged, type TextSent } from '../common/events.js';
import type { Attempt, Closure, SendTicket, Settlement } from '../storage/verification-store.js';

/** Stands where no provider has taken a text. */
const NONE = 'none';

/** Tells of the moves of verifications. Beginnings are `performance.now()`. */
@Injectable()
export class Moves {
  constructor(private readonly events: Events) {}

  /** The providers were asked for a text; one of them took it, or none. */
  sent(ticket: SendTicket, outcome: TextSent['outcome'], beganAt: number, provider = NONE): void {
    this.events.emit({
      type: 'text_sent',
      ...placeOf(ticket),
      provider,
      resend: ticket.resends !== undefined,
      outcome,
      durationMs: performance.now() - beganAt,
    });
  }

  /** A code was judged and settled. */
  judged(attempt: Attempt, settlement: Settlement, beganAt: number): void {
    this.tried(attempt, settlement.verified ? 'verified' : settlement.reason, beganAt);
  }

  /** A code was asked about, and the provider gave no judgement. */
  unjudged(attempt: Attempt, beganAt: number): void {
    this.tried(attempt, 'unjudged', beganAt);
  }

  /** A code came for a verification that accepts none. */
  refused(reason: Closure): void {
    this.events.emit({ type: 'code_refused', reason });
  }

  cancelled(pinId: string, client: string): void {
    this.events.emit({ type: 'verification_cancelled', pinId, client });
  }

  private tried(attempt: Attempt, outcome: CodeJudged['outcome'], beganAt: number): void {
    this.events.emit({
      type: 'code_judged',
      ...placeOf(attempt),
      provider: attempt.provider,
      outcome,
      durationMs: performance.now() - beganAt,
    });
  }
}

const placeOf = ({ pinId, client, country, channel }: SendTicket | Attempt) => ({
  pinId,
  client,
  country,
  channel,
});
