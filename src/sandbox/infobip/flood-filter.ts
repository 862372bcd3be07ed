import { BoundedHistory } from '../bounded-history.js';
import { normalizeRecipient } from '../recipient.js';
import { SlidingWindows } from './sliding-windows.js';

// Infobip's default limits on the SMS to one number: with identical texts, and with any text.
const INTERVAL_MS = 3_600_000;
const IDENTICAL_LIMIT = { count: 6, intervalMs: INTERVAL_MS };
const TOTAL_LIMIT = { count: 20, intervalMs: INTERVAL_MS };
/** Bounds the memory of a sandbox that runs for a long time. */
const MAX_REJECTED = 1_000;

/** Infobip's names for the reason of a rejection, as in a delivery report. */
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
 * 21st with any text. Rejected messages count, too. The response to the send does not show a rejection.
 */
export class FloodFilter {
  private readonly identicalTexts: SlidingWindows;
  private readonly allTexts: SlidingWindows;
  private readonly rejected = new BoundedHistory<RejectedMessage>(MAX_REJECTED);

  /** @param now the time by the sandbox's clock, in milliseconds since the epoch */
  constructor(private readonly now: () => number) {
    this.identicalTexts = new SlidingWindows(now);
    this.allTexts = new SlidingWindows(now);
  }

  /** Counts an SMS. @returns the reason if the SMS is rejected; `undefined` if not */
  checkMessage(to: string, text: string): FloodError | undefined {
    const recipient = normalizeRecipient(to);
    const textKey = `${recipient} ${text}`;
    const isRepeated = this.identicalTexts.getWaitMs(textKey, IDENTICAL_LIMIT) > 0;
    const isFlooded = this.allTexts.getWaitMs(recipient, TOTAL_LIMIT) > 0;
    this.identicalTexts.countEvent(textKey);
    this.allTexts.countEvent(recipient);
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
