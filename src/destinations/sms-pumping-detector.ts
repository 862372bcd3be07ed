import { Injectable, Logger } from '@nestjs/common';
import type { ClientRules } from '../clients/client-rules.js';
import { EventBus } from '../common/events.js';
import type { FraudDecision } from '../common/label-values.js';
import type { RequestContext } from '../common/request-context.js';
import {
  type BudgetViolation,
  type DestinationSuspended,
  isShared,
  type SharedBudgetExceeded,
  type TrafficEvaluator,
} from '../storage/limit.types.js';
import type { SendAdmitted } from '../storage/send.types.js';
import { createTrafficEvaluator } from './traffic-evaluator.js';

/**
 * Detects SMS pumping: attackers request codes to numbers that pay them, and never verify. A
 * destination with too many unverified codes gets no messages for some time.
 */
@Injectable()
export class SmsPumpingDetector {
  private readonly logger = new Logger(SmsPumpingDetector.name);

  constructor(private readonly events: EventBus) {}

  /**
   * Returns the function by which the store checks a send that it reserves; `undefined` if the
   * detector is off for the client.
   */
  getEvaluator({ pumping }: ClientRules): TrafficEvaluator | undefined {
    return pumping.mode === 'off' ? undefined : createTrafficEvaluator(pumping);
  }

  /** Emits the decision on a send and logs a violation. The client does not see the counts. */
  record(
    result: SendAdmitted | DestinationSuspended | SharedBudgetExceeded,
    { pumping }: ClientRules,
    context?: RequestContext,
  ): void {
    if (pumping.mode === 'off') return;
    const { violation } = result;
    const { client, phoneNumber } = result.outcome === 'admitted' ? result.reservation : result;
    const { country, masked } = phoneNumber;
    const scope = violation?.scope ?? '';
    const decision = toDecision(violation);
    this.events.emit({ type: 'fraud_check_completed', decision, scope, country });
    if (!violation) return;
    const action = violation.enforced ? 'Blocked' : 'Would block';
    const message = `a message to ${masked} (${country}) from client ${client}`;
    const msg = `${action} ${message}: ${describeViolation(violation)}.`;
    this.logger.warn({ msg, ...context });
  }
}

function toDecision(violation: BudgetViolation | undefined): FraudDecision {
  if (!violation) return 'allowed';
  return violation.enforced ? 'blocked' : 'would_block';
}

function describeViolation(violation: BudgetViolation): string {
  const { scope, window, includesRecent, unverified, allowed, verified } = violation;
  const destination = scope.replace('client_', '');
  const senders = isShared(scope) ? 'all clients together' : 'this client';
  const recent = includesRecent
    ? ', including this one and others whose codes can still be verified'
    : '';
  return (
    `in the last ${window} ${senders} sent ${String(unverified)} unverified messages ` +
    `to this ${destination}${recent}. ` +
    `With ${String(verified)} verified, the budget allows ${String(allowed)}`
  );
}
