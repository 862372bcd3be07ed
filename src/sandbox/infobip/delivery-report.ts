import type { ReportOutcome } from '../faults/sandbox-fault.js';
import { buildError, buildStatus, isCharged } from './delivery-status.js';

/** `v3`: as Infobip reports messages of its current SMS API, version 3. `older`: of its earlier SMS API. */
export const REPORT_SHAPES = ['v3', 'older'] as const;
export type InfobipReportShape = (typeof REPORT_SHAPES)[number];

/** A message that Infobip has accepted. */
export interface InfobipMessage {
  /** The `externalMessageId` of the response to the send. */
  readonly messageId: string;
  /** The recipient's phone number: digits without `+`. */
  readonly to: string;
  readonly sender: string;
  /** Time of the send in milliseconds since the epoch. */
  readonly sentAt: number;
}

/** The price of every charged message, in EUR. */
const PRICE = 0.031;
/** Mobile country and network code of a test network (ITU-T E.212). */
const MCC_MNC = '00101';

/**
 * Builds the report of one message: an entry of the list `results` that Infobip posts.
 * @param outcome what the report says; here, its `status` is required
 * @param doneAt when the message got the status, in milliseconds since the epoch
 */
export function buildDeliveryReport(
  { messageId, to, sender, sentAt }: InfobipMessage,
  { status: name, groupId, errorId = 0, isMalformed = false }: ReportOutcome & { status: string },
  { doneAt, shape }: { readonly doneAt: number; readonly shape: InfobipReportShape },
): object {
  const status = buildStatus(name, groupId);
  const report = {
    messageId,
    to,
    ...(shape === 'v3' ? { sender, messageCount: 1 } : { from: sender, smsCount: 1 }),
    sentAt: toInfobipTime(sentAt),
    doneAt: toInfobipTime(doneAt),
    mccMnc: MCC_MNC,
    price: { pricePerMessage: isCharged(status) ? PRICE : 0, currency: 'EUR' },
    status,
    error: buildError(errorId),
  };
  return isMalformed ? { ...report, messageId: 42, status: name } : report;
}

/** Infobip writes the time zone without a colon. */
const toInfobipTime = (timeMs: number): string =>
  new Date(timeMs).toISOString().replace('Z', '+0000');
