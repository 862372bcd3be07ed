import type { FaultInjector } from '../faults/fault-injector.js';
import { findMagicReport } from '../faults/magic-numbers.js';
import type { ReportFault, ReportOutcome } from '../faults/sandbox-fault.js';
import { BoundedHistory } from '../bounded-history.js';
import { normalizeRecipient } from '../recipient.js';
import type { ReportQueue } from './report-queue.js';
import type { TrackedMessage } from './report.js';

interface ReportPlannerDependencies {
  readonly queue: ReportQueue;
  readonly faults: FaultInjector;
  /** The time by the sandbox's clock, in milliseconds since the epoch. */
  readonly now: () => number;
}

/** The delay of a `late` report, if the fault has none. */
const LATE_MS = 60_000;
/** How long after the first of two reports the second one is sent. */
const SECOND_REPORT_MS = 1_000;
/** Bounds the memory of a sandbox that runs for a long time. */
const MAX_MESSAGES = 10_000;

/** Plans the delivery reports of each message, as a planned fault or the magic number says. */
export class ReportPlanner {
  private readonly messages = new Map<string, TrackedMessage>();
  private readonly history = new BoundedHistory<TrackedMessage>(MAX_MESSAGES);

  constructor(private readonly deps: ReportPlannerDependencies) {}

  /**
   * Plans the reports of a message. With the fault `early`, sends them at once and waits for the
   * receivers' responses. Only then does the sandbox respond to the send.
   */
  async planReports(message: TrackedMessage): Promise<void> {
    this.addMessage(message);
    const { queue, faults, now } = this.deps;
    const { provider, to } = message;
    const fault: ReportFault = faults.consumeReportFault(provider, to) ??
      findMagicReport(normalizeRecipient(to), provider) ?? { kind: 'normal' };
    const { kind, delayMs = kind === 'late' ? LATE_MS : 0, ...fields } = fault;
    const outcome: ReportOutcome = { ...fields, isMalformed: kind === 'malformed' };
    const sentAt = now();
    const reports = message.createReports(outcome, sentAt + delayMs);
    switch (kind) {
      case 'lost':
        for (const report of reports) queue.addLostReport(report);
        return;
      case 'early':
        await Promise.all(reports.map((report) => queue.sendNow(report)));
        return;
      default:
        for (const report of reports) queue.addReport(report, delayMs);
    }
    const secondReports =
      kind === 'duplicated'
        ? reports
        : kind === 'reordered'
          ? message.createReports(message.intermediateOutcome, sentAt)
          : [];
    for (const report of secondReports) queue.addReport(report, delayMs + SECOND_REPORT_MS);
  }

  /**
   * Sends a further report of a message now, to each receiver.
   * @returns the HTTP status of each response, or `null` for each receiver that did not respond;
   *   `undefined` if the message is unknown
   */
  async sendReport(
    messageId: string,
    outcome: ReportOutcome,
  ): Promise<(number | null)[] | undefined> {
    const message = this.messages.get(messageId);
    if (!message) return undefined;
    const { queue, now } = this.deps;
    const reports = message.createReports(outcome, now());
    const responses = await Promise.all(reports.map((report) => queue.sendNow(report)));
    return responses.map((response) => response ?? null);
  }

  private addMessage(message: TrackedMessage): void {
    this.messages.set(message.messageId, message);
    // One group, because the history only finds the oldest message.
    const removed = this.history.addItem('', message);
    if (removed) this.messages.delete(removed.messageId);
  }
}
