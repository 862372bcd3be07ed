import { Injectable, Logger } from '@nestjs/common';
import { EventBus, type FraudCheckCompleted } from '../common/events.js';
import type { RequestContext } from '../common/request-context.js';
import { AppConfig } from '../config/app-config.js';
import type { Excess, Judge } from '../storage/traffic.js';
import type { Admitted, Suspended } from '../storage/verification-store.js';
import { pumpingJudge } from './pumping-budgets.js';

/**
 * Keeps fraudsters from having texts sent to numbers that earn them money: a destination where too
 * many codes are never typed gets no more texts for a while.
 */
@Injectable()
export class PumpingGuard {
  /** For the store to ask; `undefined` where the guard is off. */
  readonly judge: Judge | undefined;
  private readonly logger = new Logger(PumpingGuard.name);

  constructor(
    { pumping }: AppConfig,
    private readonly events: EventBus,
  ) {
    this.judge = pumping.mode === 'off' ? undefined : pumpingJudge(pumping);
  }

  /** Tells which budget a text is over, if any, and logs by which counts: the caller never hears it. */
  report(admission: Admitted | Suspended, context?: RequestContext): void {
    if (!this.judge) return;
    const { excess } = admission;
    const { phoneNumber } = admission.outcome === 'admitted' ? admission.ticket : admission;
    const { country } = phoneNumber;
    const scope = excess?.region ?? '';
    this.events.emit({
      type: 'fraud_check_completed',
      decision: decisionOf(excess),
      scope,
      country,
    });
    if (!excess) return;
    const msg =
      `${excess.enforced ? 'Refused' : 'Would refuse'} a text to ${phoneNumber.masked} ` +
      `(${country}): ${describeExcess(excess)}.`;
    this.logger.warn({ msg, ...context });
  }
}

function decisionOf(excess: Excess | undefined): FraudCheckCompleted['decision'] {
  if (!excess) return 'allowed';
  return excess.enforced ? 'blocked' : 'would_block';
}

function describeExcess(excess: Excess): string {
  const { region, window, withYoung, unverified, allowed, verified } = excess;
  return (
    `in the last ${window} its ${region} had ${String(unverified)} unverified texts` +
    `${withYoung ? ', those with codes that may still be typed among them,' : ''} ` +
    `and ${String(verified)} verified ones, which allow ${String(allowed)}`
  );
}
