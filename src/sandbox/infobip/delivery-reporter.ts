import type { ReportOutcome } from '../faults/sandbox-fault.js';
import type { ReportPlanner } from '../reports/report-planner.js';
import type { TrackedMessage } from '../reports/report.js';
import {
  buildDeliveryReport,
  type InfobipMessage,
  type InfobipReportShape,
} from './delivery-report.js';
import type { FloodError } from './flood-filter.js';
import type { SubscriptionStore } from './subscription-store.js';

interface DeliveryReporterDependencies {
  readonly planner: ReportPlanner;
  readonly subscriptions: SubscriptionStore;
  readonly getReportShape: () => InfobipReportShape;
}

/** How the delivery of a message ended. A `FloodError`: the flood filter rejected the message. */
export type SentMessageResult = 'delivered' | 'unreachable' | FloodError;

const OUTCOME_BY_RESULT: Record<SentMessageResult, ReportOutcome & { status: string }> = {
  delivered: { status: 'DELIVERED_TO_HANDSET' },
  unreachable: { status: 'UNDELIVERABLE_NOT_DELIVERED', errorId: 27 },
  EC_DESTINATION_FLOODING: { status: 'REJECTED_FLOODING_FILTER', errorId: 4103 },
  EC_DESTINATION_TXT_FLOODING: { status: 'REJECTED_FLOODING_FILTER', errorId: 4104 },
};

/** Sends delivery reports to every subscription with the event `DELIVERY`. */
export class DeliveryReporter {
  constructor(private readonly deps: DeliveryReporterDependencies) {}

  /**
   * Plans the reports of a message. With the fault `early`, sends them at once and waits for the
   * receivers' responses.
   */
  async reportMessage(message: InfobipMessage, result: SentMessageResult): Promise<void> {
    const { planner, subscriptions, getReportShape } = this.deps;
    const { messageId, to } = message;
    const tracked: TrackedMessage = {
      provider: 'infobip',
      messageId,
      to,
      intermediateOutcome: { status: 'PENDING_ENROUTE' },
      createReports: (outcome, doneAt) => {
        const completeOutcome = addResult(outcome, result);
        const { status } = completeOutcome;
        const body = buildDeliveryReport(message, completeOutcome, {
          doneAt,
          shape: getReportShape(),
        });
        return subscriptions
          .listReceivers()
          .map((receiver) => ({ provider: 'infobip', messageId, to, status, receiver, body }));
      },
    };
    await planner.planReports(tracked);
  }
}

/** Adds the status and the error of the result, if the outcome has no status. */
function addResult(
  outcome: ReportOutcome,
  result: SentMessageResult,
): ReportOutcome & { status: string } {
  const { status, errorId } =
    outcome.status === undefined
      ? OUTCOME_BY_RESULT[result]
      : { status: outcome.status, errorId: 0 };
  return { ...outcome, status, errorId: outcome.errorId ?? errorId ?? 0 };
}
