import { BoundedHistory } from '../bounded-history.js';
import { normalizeRecipient } from '../recipient.js';
import { SlidingWindows } from './sliding-windows.js';

/** Infobip's defaults: of identical texts, and of all messages to one number. */
const INTERVAL_MS = 3_600_000;
const IDENTICAL = { count: 6, intervalMs: INTERVAL_MS };
const ALL = { count: 20, intervalMs: INTERVAL_MS };
const MAX_REJECTED = 1_000;

/** An SMS that the filter rejected, as Infobip's delivery report names the reason. */
interface RejectedMessage {
  readonly to: string;
  readonly text: string;
  readonly error: 'EC_DESTINATION_TXT_FLOODING' | 'EC_DESTINATION_FLOODING';
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

  /** Counts an SMS. @returns whether it reaches the phone */
  passMessage(to: string, text: string): boolean {
    const recipient = normalizeRecipient(to);
    const textKey = `${recipient} ${text}`;
    const isRepeated = this.identical.getWaitMs(textKey, IDENTICAL) > 0;
    const isFlooded = this.all.getWaitMs(recipient, ALL) > 0;
    this.identical.countEvent(textKey);
    this.all.countEvent(recipient);
    if (!isRepeated && !isFlooded) return true;
    this.rejected.addItem(recipient, {
      to,
      text,
      error: isRepeated ? 'EC_DESTINATION_TXT_FLOODING' : 'EC_DESTINATION_FLOODING',
      sentAt: new Date(this.now()).toISOString(),
    });
    return false;
  }

  /** Lists the rejected messages to one recipient, or to all, newest first. */
  listRejected(to?: string): RejectedMessage[] {
    return this.rejected.listNewestFirst(to === undefined ? undefined : normalizeRecipient(to));
  }
}
