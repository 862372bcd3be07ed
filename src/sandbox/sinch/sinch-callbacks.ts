import { SINCH_APPLICATION } from '../defaults.js';
import type { ReportOutcome } from '../faults/sandbox-fault.js';
import { postBody } from '../reports/post-body.js';
import type { ReportPlanner } from '../reports/report-planner.js';
import type { ReportQueue } from '../reports/report-queue.js';
import type { Report, ReportReceiver } from '../reports/report.js';
import {
  buildDeliveredEvent,
  buildRequestEvent,
  buildResultEvent,
  isResultStatus,
} from './sinch-events.js';
import { signSinchRequest } from './sinch-signature.js';
import type { SinchVerification } from './sinch-verification.js';

interface SinchCallbackDependencies {
  readonly queue: ReportQueue;
  readonly planner: ReportPlanner;
  /** Returns the callback URL of the application; empty if it has none. */
  readonly getCallbackUrl: () => string;
}

/** `allow` if a verification may start; otherwise the reason why not. */
type SinchPermission = 'allow' | 'Denied by callback' | 'Invalid callback';

const CONTENT_TYPE = 'application/json';

/** Calls the callback URL of the application. Without a URL, every verification may start. */
export class SinchCallbacks {
  private readonly receiver: ReportReceiver = {
    maxReports: 1,
    // Sinch does not document retries.
    getRetryDelayMs: () => undefined,
    postReports: async ([event = {}]) => (await this.post(event))?.status,
  };

  constructor(private readonly deps: SinchCallbackDependencies) {}

  /** Asks the application's server whether a verification may start. */
  async requestPermission(verification: SinchVerification): Promise<SinchPermission> {
    if (this.deps.getCallbackUrl() === '') return 'allow';
    const response = await this.post(buildRequestEvent(verification));
    const action = response?.status === 200 ? parseAction(response.text) : undefined;
    if (action === 'allow') return 'allow';
    return action === 'deny' ? 'Denied by callback' : 'Invalid callback';
  }

  /**
   * Plans the event about an SMS. With the fault `early`, sends it at once and waits for the
   * response.
   */
  async reportDelivery(verification: SinchVerification): Promise<void> {
    if (verification.method !== 'sms' || this.deps.getCallbackUrl() === '') return;
    await this.deps.planner.planReports({
      provider: 'sinch',
      messageId: verification.id,
      to: verification.number,
      intermediateOutcome: { status: 'PENDING' },
      createReports: (outcome) => [this.createReport(verification, outcome)],
    });
  }

  /** Sends the event about the end of a verification, with its status. */
  reportResult(verification: SinchVerification): void {
    if (this.deps.getCallbackUrl() === '') return;
    const { status, reason } = verification;
    const outcome = { status, ...(reason !== undefined && { reason }) };
    this.deps.queue.addReport(this.createReport(verification, outcome), 0);
  }

  private createReport(
    verification: SinchVerification,
    { status = 'Successful', reason, isMalformed = false }: ReportOutcome,
  ): Report {
    const event = isResultStatus(status)
      ? buildResultEvent(verification, status, reason)
      : buildDeliveredEvent(verification, status);
    const { id: messageId, number: to } = verification;
    const body = isMalformed ? { ...event, id: 42 } : event;
    return { provider: 'sinch', messageId, to, status, receiver: this.receiver, body };
  }

  /** Sends no event if the URL was removed while it waited. */
  private async post(event: object): ReturnType<typeof postBody> {
    const url = this.deps.getCallbackUrl();
    if (url === '') return undefined;
    const body = JSON.stringify(event);
    // The system time: the receiver compares it with the real time, not with the sandbox's clock.
    const timestamp = new Date().toISOString();
    const signature = signSinchRequest(
      { method: 'POST', url: new URL(url).pathname, contentType: CONTENT_TYPE, timestamp, body },
      SINCH_APPLICATION.secret,
    );
    return postBody(url, body, {
      'content-type': CONTENT_TYPE,
      'x-timestamp': timestamp,
      authorization: `Application ${SINCH_APPLICATION.key}:${signature}`,
    });
  }
}

/** @returns the field `action` of a response; `undefined` if the response has none or is not JSON */
function parseAction(text: string): unknown {
  try {
    return (JSON.parse(text) as { action?: unknown } | null)?.action;
  } catch {
    return undefined;
  }
}
