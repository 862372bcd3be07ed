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
  readonly getShape: () => InfobipReportShape;
}

/** What became of a message that Infobip sent. */
export type SentMessageResult = 'delivered' | 'unreachable' | FloodError;

const OUTCOMES: Record<SentMessageResult, ReportOutcome & { status: string }> = {
  delivered: { status: 'DELIVERED_TO_HANDSET' },
  unreachable: { status: 'UNDELIVERABLE_NOT_DELIVERED', errorId: 27 },
  EC_DESTINATION_FLOODING: { status: 'REJECTED_FLOODING_FILTER', errorId: 4103 },
  EC_DESTINATION_TXT_FLOODING: { status: 'REJECTED_FLOODING_FILTER', errorId: 4104 },
};

/** Reports the delivery of messages to every subscription. */
export class DeliveryReporter {
  constructor(private readonly deps: DeliveryReporterDependencies) {}

  /** @returns after the report was answered, if a fault says that it comes before the response; else at once */
  async reportMessage(message: InfobipMessage, result: SentMessageResult): Promise<void> {
    const { planner, subscriptions, getShape } = this.deps;
    const { messageId, to } = message;
    const tracked: TrackedMessage = {
      provider: 'infobip',
      messageId,
      to,
      intermediate: { status: 'PENDING_ENROUTE' },
      createReports: (outcome, doneAt) => {
        const complete = completeOutcome(outcome, result);
        const { status } = complete;
        const body = buildDeliveryReport(message, complete, { doneAt, shape: getShape() });
        return subscriptions
          .listReceivers()
          .map((receiver) => ({ provider: 'infobip', messageId, to, status, receiver, body }));
      },
    };
    await planner.planReports(tracked);
  }
}

/** Without a status, the report says what became of the message. */
function completeOutcome(
  outcome: ReportOutcome,
  result: SentMessageResult,
): ReportOutcome & { status: string } {
  const { status, errorId } =
    outcome.status === undefined ? OUTCOMES[result] : { status: outcome.status, errorId: 0 };
  return { ...outcome, status, errorId: outcome.errorId ?? errorId ?? 0 };
}
