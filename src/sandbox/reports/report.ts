import type { ReportOutcome } from '../faults/sandbox-fault.js';
import type { ProviderName } from '../provider-name.js';

/** A URL that gets reports. */
export interface ReportReceiver {
  /** Most reports in one request. */
  readonly maxReports: number;
  /** @returns the HTTP status of the response; `undefined` without a response */
  postReports(reports: readonly object[]): Promise<number | undefined>;
  /**
   * Milliseconds before a retry; `undefined` after the last one.
   * @param retryNumber from 0
   */
  getRetryDelayMs(retryNumber: number): number | undefined;
}

/** One report to one receiver. */
export interface Report {
  readonly provider: ProviderName;
  /** Infobip's id of the message, or Sinch's id of the verification. */
  readonly messageId: string;
  readonly to: string;
  /** The status as the provider names it. */
  readonly status: string;
  readonly receiver: ReportReceiver;
  readonly body: object;
}

/** A message whose delivery a provider reports. */
export interface TrackedMessage {
  readonly provider: ProviderName;
  readonly messageId: string;
  readonly to: string;
  /** A status that another one follows. */
  readonly intermediate: ReportOutcome;
  /**
   * Creates a report for each receiver.
   * @param doneAt when the message got this status, in milliseconds since the epoch
   */
  createReports(outcome: ReportOutcome, doneAt: number): Report[];
}

export function isAccepted(httpStatus: number | undefined): boolean {
  return httpStatus !== undefined && httpStatus >= 200 && httpStatus < 300;
}
