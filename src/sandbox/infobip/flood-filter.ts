import { BoundedHistory } from '../bounded-history.js';
import { normalizeRecipient } from '../recipient.js';
import { SlidingWindows } from './sliding-windows.js';

/** Infobip's defaults: of identical texts, and of all messages to one number. */
const INTERVAL_MS = 3_600_000;
const IDENTICAL = { count: 6, intervalMs: INTERVAL_MS };
const ALL = { count: 20, intervalMs: INTERVAL_MS };
const MAX_REJECTED = 1_000;

/** The names of the reason in Infobip's delivery report. */
export type FloodError = 'EC_DESTINATION_TXT_FLOODING' | 'EC_DESTINATION_FLOODING';

/** An SMS that the filter rejected. */
interface RejectedMessage {
  readonly to: string;
  readonly text: string;
  readonly error: FloodError;
  /** ISO 8601, UTC. */
  readonly sentAt: string;
}

/**
 * Infobip's flood filter: rejects the seventh identical SMS to a number within 60 minutes, and the
 * 21st of any text. Rejected messages count, too. Callers of the API do not notice.
 */
export class FloodFilter {
  private readonly identical: SlidingWindows;
  private readonly all: SlidingWindows;
  private readonly rejected = new BoundedHistory<RejectedMessage>(MAX_REJECTED);

  /** @param now milliseconds since the epoch */
  constructor(private readonly now: () => number) {
    this.identical = new SlidingWindows(now);
    this.all = new SlidingWindows(now);
  }

  /** Counts an SMS. @returns why it does not reach the phone; `undefined` if it does */
  rejectMessage(to: string, text: string): FloodError | undefined {
    const recipient = normalizeRecipient(to);
    const textKey = `${recipient} ${text}`;
    const isRepeated = this.identical.getWaitMs(textKey, IDENTICAL) > 0;
    const isFlooded = this.all.getWaitMs(recipient, ALL) > 0;
    this.identical.countEvent(textKey);
    this.all.countEvent(recipient);
    if (!isRepeated && !isFlooded) return undefined;
    const error = isRepeated ? 'EC_DESTINATION_TXT_FLOODING' : 'EC_DESTINATION_FLOODING';
    const sentAt = new Date(this.now()).toISOString();
    this.rejected.addItem(recipient, { to, text, error, sentAt });
    return error;
  }

  /** Lists the rejected messages to one recipient, or to all, newest first. */
  listRejected(to?: string): RejectedMessage[] {
    return this.rejected.listNewestFirst(to === undefined ? undefined : normalizeRecipient(to));
  }
}
