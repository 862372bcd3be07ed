import { BoundedHistory } from '../bounded-history.js';
import { normalizeRecipient } from '../recipient.js';
import { isAccepted, type Report, type ReportReceiver } from './report.js';

/**
 * `failed`: not accepted, and no retry is left. `lost`: not sent, because of a fault.
 * `dropped`: not sent, because too many reports were waiting.
 */
type ReportState = 'waiting' | 'accepted' | 'failed' | 'lost' | 'dropped';

/** The state of a report, as `GET /sandbox/reports` returns it. */
interface ReportRecord extends Pick<Report, 'provider' | 'messageId' | 'to' | 'status'> {
  state: ReportState;
  attempts: number;
  /** HTTP status of the last response; `null` if there was none. */
  response?: number | null;
  /** Time of the next attempt, if the report is waiting. ISO 8601, UTC. */
  dueAt?: string;
}

interface QueuedReport {
  readonly body: object;
  readonly record: ReportRecord;
}

/** Reports that are sent in one request. */
interface QueuedRequest {
  readonly receiver: ReportReceiver;
  readonly reports: readonly QueuedReport[];
  /** Milliseconds since the epoch. */
  readonly dueAt: number;
  /** Number of earlier attempts. */
  readonly attempts: number;
}

/** Bounds the memory of a sandbox that runs for a long time. */
const MAX_REPORTS = 10_000;
const MAX_TIMER_MS = 60_000;

/** Sends reports when they are due by the sandbox's clock, and retries those that were not accepted. */
export class ReportQueue {
  private waiting: QueuedRequest[] = [];
  private records = new BoundedHistory<ReportRecord>(MAX_REPORTS);
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;
  private lastDelivery: Promise<void> = Promise.resolve();
  /** How often the reports were cleared. Nothing from before the last time is sent. */
  private clearCount = 0;

  /** @param now the time by the sandbox's clock, in milliseconds since the epoch */
  constructor(private readonly now: () => number) {}

  /** @param delayMs time until the report is sent, in milliseconds. */
  addReport(report: Report, delayMs: number): void {
    const { receiver, body } = report;
    const reports = [{ body, record: this.addRecord(report, 'waiting') }];
    this.enqueue({ receiver, reports, dueAt: this.now() + delayMs, attempts: 0 });
  }

  /** Records a report that is never sent, because of the fault `lost`. */
  addLostReport(report: Report): void {
    this.addRecord(report, 'lost');
  }

  /** Sends one report now, without retries. @returns the HTTP status of the response, if any */
  async sendNow(report: Report): Promise<number | undefined> {
    const record = this.addRecord(report, 'waiting');
    const response = await postReports(report.receiver, [report.body]);
    recordAttempt(record, response);
    return response;
  }

  /** Sends the waiting reports that are due, or all of them. Waits for the responses. */
  sendWaiting(selection: 'due' | 'all' = 'due'): Promise<void> {
    // One call at a time, so that reports keep their order.
    this.lastDelivery = this.lastDelivery.then(() =>
      this.sendDueBy(selection === 'all' ? Infinity : this.now()),
    );
    return this.lastDelivery;
  }

  /** Lists the reports about one recipient, or about all, newest first. */
  listReports(to?: string): readonly ReportRecord[] {
    return this.records.listNewestFirst(to === undefined ? undefined : normalizeRecipient(to));
  }

  /** Deletes the list and what waits. A request that has been sent is not repeated. */
  clear(): void {
    this.clearCount += 1;
    this.waiting = [];
    this.records = new BoundedHistory(MAX_REPORTS);
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
  }

  private addRecord(report: Report, state: ReportState): ReportRecord {
    const { provider, messageId, to, status } = report;
    const record: ReportRecord = { provider, messageId, to, status, state, attempts: 0 };
    this.records.addItem(normalizeRecipient(to), record);
    return record;
  }

  private enqueue(request: QueuedRequest): void {
    this.waiting.push(request);
    for (const { record } of request.reports) {
      record.state = 'waiting';
      record.dueAt = new Date(request.dueAt).toISOString();
    }
    if (this.waiting.length > MAX_REPORTS) {
      for (const { record } of this.waiting.shift()?.reports ?? []) record.state = 'dropped';
    }
    this.startTimer();
  }

  private async sendDueBy(time: number): Promise<void> {
    const { clearCount } = this;
    const due = this.waiting.filter(({ dueAt }) => dueAt <= time);
    this.waiting = this.waiting.filter(({ dueAt }) => dueAt > time);
    for (const request of mergeRequests(due)) {
      if (this.isClosed || this.clearCount !== clearCount) break;
      await this.send(request);
    }
    this.startTimer();
  }

  private async send({ receiver, reports, attempts }: QueuedRequest): Promise<void> {
    const { clearCount } = this;
    const response = await postReports(
      receiver,
      reports.map(({ body }) => body),
    );
    const retryDelayMs = isAccepted(response) ? undefined : receiver.getRetryDelayMs(attempts);
    for (const { record } of reports) recordAttempt(record, response);
    if (retryDelayMs === undefined || this.clearCount !== clearCount) return;
    const dueAt = this.now() + retryDelayMs;
    this.enqueue({ receiver, reports, dueAt, attempts: attempts + 1 });
  }

  /** Wakes up for the next report, or after a minute: the clock may have been moved by then. */
  private startTimer(): void {
    clearTimeout(this.timer);
    if (this.isClosed || this.waiting.length === 0) return;
    const next = this.waiting.reduce((earliest, { dueAt }) => Math.min(earliest, dueAt), Infinity);
    const waitMs = Math.min(Math.max(next - this.now(), 0), MAX_TIMER_MS);
    this.timer = setTimeout(() => void this.sendWaiting(), waitMs).unref();
  }
}

/** @returns `undefined` without a response, also if the receiver cannot create the request */
async function postReports(
  receiver: ReportReceiver,
  bodies: readonly object[],
): Promise<number | undefined> {
  try {
    return await receiver.postReports(bodies);
  } catch {
    // Otherwise this report would keep all later ones from being sent.
    return undefined;
  }
}

function recordAttempt(record: ReportRecord, response: number | undefined): void {
  record.attempts += 1;
  record.response = response ?? null;
  record.state = isAccepted(response) ? 'accepted' : 'failed';
  delete record.dueAt;
}

/** Joins the new reports to one receiver in one request. A retry repeats its request unchanged. */
function mergeRequests(due: readonly QueuedRequest[]): QueuedRequest[] {
  const merged: QueuedRequest[] = [];
  /** For each receiver, the index of the request that takes further reports. */
  const openRequests = new Map<ReportReceiver, number>();
  for (const request of [...due].sort((a, b) => a.dueAt - b.dueAt)) {
    const index = openRequests.get(request.receiver) ?? -1;
    const target = merged[index];
    if (request.attempts === 0 && target && target.reports.length < target.receiver.maxReports) {
      merged[index] = { ...target, reports: [...target.reports, ...request.reports] };
      continue;
    }
    if (request.attempts === 0) openRequests.set(request.receiver, merged.length);
    merged.push(request);
  }
  return merged;
}
