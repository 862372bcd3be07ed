import type { ReportOutcome } from '../faults/sandbox-fault.js';
import type { ProviderName } from '../provider-name.js';

/** A URL to which reports are posted: of an Infobip subscription, or Sinch's callback URL. */
export interface ReportReceiver {
  /** Maximum number of reports in one request. */
  readonly maxReports: number;
  /** @returns the HTTP status of the response; `undefined` without a response */
  postReports(reports: readonly object[]): Promise<number | undefined>;
  /**
   * Milliseconds before a retry; `undefined` if there is no such retry.
   * @param retryNumber from 0
   */
  getRetryDelayMs(retryNumber: number): number | undefined;
}

/** One delivery report, or callback of Sinch, to one receiver. */
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
  /** Precedes the final outcome. Only the fault `reordered` reports it, after the final one. */
  readonly intermediateOutcome: ReportOutcome;
  /**
   * Creates a report for each receiver.
   * @param doneAt when the message got the status of `outcome`, in milliseconds since the epoch
   */
  createReports(outcome: ReportOutcome, doneAt: number): Report[];
}

/** @param httpStatus of the response to a report; `undefined` without a response */
export function isAccepted(httpStatus: number | undefined): boolean {
  return httpStatus !== undefined && httpStatus >= 200 && httpStatus < 300;
}
