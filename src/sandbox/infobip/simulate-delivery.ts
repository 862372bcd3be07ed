import { isUnreachable, type DeliveryOutcome } from '../faults/sandbox-fault.js';
import type { MessageChannel } from '../message-inbox.js';

/** The channels through which Infobip delivers a PIN. */
export type InfobipChannel = Extract<MessageChannel, 'sms' | 'voice' | 'email'>;

export interface PinDeliveryResult {
  /** Whether Infobip hands the message to the network. */
  readonly isSent: boolean;
  /** Whether the message reaches the phone or mailbox. */
  readonly isDelivered: boolean;
  /** The status fields of the response. */
  readonly status: object;
}

/** The result of the number lookup. Infobip calls the lookup "NC", number context. */
const LOOKUP_STATUS: Record<DeliveryOutcome, string> = {
  delivered: 'NC_DESTINATION_REACHABLE',
  'not-sent': 'NC_DESTINATION_UNKNOWN',
  'no-credit': 'NC_DESTINATION_REACHABLE',
  unreachable: 'NC_DESTINATION_NOT_REACHABLE',
  'unreachable-prose': 'NC_NOT_REACHABLE',
  'no-lookup': 'NC_NOT_CONFIGURED',
};

/**
 * @param withNumberLookup whether the number is looked up before an SMS. If it is then unreachable, the
 * SMS is not sent.
 */
export function simulateDelivery(
  channel: InfobipChannel,
  outcome: DeliveryOutcome,
  withNumberLookup: boolean,
): PinDeliveryResult {
  const isReachable = !isUnreachable(outcome);
  const isAccepted = outcome !== 'not-sent' && outcome !== 'no-credit';
  if (channel === 'sms') {
    const isSent = isAccepted && (isReachable || !withNumberLookup);
    const status = {
      ...(withNumberLookup && { ncStatus: LOOKUP_STATUS[outcome] }),
      smsStatus: isSent ? 'MESSAGE_SENT' : 'MESSAGE_NOT_SENT',
    };
    return { isSent, isDelivered: isSent && isReachable, status };
  }
  const isSent = isAccepted && isReachable;
  const name = getCallOrEmailStatus(outcome, isSent);
  const description = isSent ? 'Message accepted' : 'Message not sent';
  const status =
    channel === 'voice' ? { callStatus: name } : { emailStatus: { name, description } };
  return { isSent, isDelivered: isSent, status };
}

function getCallOrEmailStatus(outcome: DeliveryOutcome, isSent: boolean): string {
  if (isSent) return 'PENDING_ACCEPTED';
  return outcome === 'no-credit' ? 'REJECTED_NOT_ENOUGH_CREDITS' : 'UNDELIVERABLE_NOT_DELIVERED';
}
