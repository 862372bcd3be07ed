import { Inject, Injectable, Logger } from '@nestjs/common';
import { EventBus, type FraudCheckCompleted } from '../common/events.js';
import type { RequestContext } from '../common/request-context.js';
import { pumpingConfig, type PumpingConfig } from '../config/pumping.config.js';
import type { BudgetViolation, TrafficEvaluator } from '../storage/traffic.types.js';
import type { SendAdmitted, DestinationSuspended } from '../storage/verification-store.js';
import { createTrafficEvaluator } from './traffic-evaluator.js';

/**
 * Keeps fraudsters from having texts sent to numbers that earn them money: a destination where too
 * many codes are never typed gets no more texts for a while.
 */
@Injectable()
export class SmsPumpingDetector {
  /** For the store to ask; `undefined` where the guard is off. */
  readonly evaluate: TrafficEvaluator | undefined;
  private readonly logger = new Logger(SmsPumpingDetector.name);

  constructor(
    @Inject(pumpingConfig.KEY) config: PumpingConfig,
    private readonly events: EventBus,
  ) {
    this.evaluate = config.mode === 'off' ? undefined : createTrafficEvaluator(config);
  }

  /** Tells which budget a text is over, if any, and logs by which counts: the caller never hears it. */
  record(admission: SendAdmitted | DestinationSuspended, context?: RequestContext): void {
    if (!this.evaluate) return;
    const { violation } = admission;
    const { phoneNumber } = admission.outcome === 'admitted' ? admission.reservation : admission;
    const { country } = phoneNumber;
    const scope = violation?.scope ?? '';
    this.events.emit({
      type: 'fraud_check_completed',
      decision: decisionOf(violation),
      scope,
      country,
    });
    if (!violation) return;
    const msg =
      `${violation.enforced ? 'Refused' : 'Would refuse'} a text to ${phoneNumber.masked} ` +
      `(${country}): ${describeExcess(violation)}.`;
    this.logger.warn({ msg, ...context });
  }
}

function decisionOf(excess: BudgetViolation | undefined): FraudCheckCompleted['decision'] {
  if (!excess) return 'allowed';
  return excess.enforced ? 'blocked' : 'would_block';
}

function describeExcess(excess: BudgetViolation): string {
  const { scope, window, includesRecent, unverified, allowed, verified } = excess;
  return (
    `in the last ${window} its ${scope} had ${String(unverified)} unverified texts` +
    `${includesRecent ? ', those with codes that may still be typed among them,' : ''} ` +
    `and ${String(verified)} verified ones, which allow ${String(allowed)}`
  );
}
