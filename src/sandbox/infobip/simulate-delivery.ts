import type { DeliveryOutcome } from '../faults/sandbox-fault.js';
import type { MessageChannel as AnyChannel } from '../message-inbox.js';

/** How Infobip delivers a PIN. */
export type InfobipChannel = Extract<AnyChannel, 'sms' | 'voice' | 'email'>;

/** What becomes of a text, and how the vendor says so. */
export interface DeliveryResult {
  /** Handed to the network. */
  readonly sent: boolean;
  /** It reaches the phone. */
  readonly arrives: boolean;
  /** The fields of the answer that tell of it. */
  readonly status: object;
}

const NC_STATUS: Record<DeliveryOutcome, string> = {
  delivered: 'NC_DESTINATION_REACHABLE',
  'not-sent': 'NC_DESTINATION_UNKNOWN',
  'no-credit': 'NC_DESTINATION_REACHABLE',
  unreachable: 'NC_DESTINATION_NOT_REACHABLE',
  'unreachable-prose': 'NC_NOT_REACHABLE',
  'no-lookup': 'NC_NOT_CONFIGURED',
};

/** @param lookup whether the number is looked up before an SMS, and one out of reach is spared it. */
export function simulateDelivery(
  channel: InfobipChannel,
  kind: DeliveryOutcome,
  lookup: boolean,
): DeliveryResult {
  const reachable = kind !== 'unreachable' && kind !== 'unreachable-prose';
  const accepted = kind !== 'not-sent' && kind !== 'no-credit';
  switch (channel) {
    case 'sms': {
      const sent = accepted && (reachable || !lookup);
      return {
        sent,
        arrives: sent && reachable,
        status: {
          ...(lookup && { ncStatus: NC_STATUS[kind] }),
          smsStatus: sent ? 'MESSAGE_SENT' : 'MESSAGE_NOT_SENT',
        },
      };
    }
    case 'voice': {
      const sent = accepted && reachable;
      return { sent, arrives: sent, status: { callStatus: getPlatformStatus(kind, sent) } };
    }
    case 'email': {
      const sent = accepted && reachable;
      const name = getPlatformStatus(kind, sent);
      const description = sent ? 'Message accepted' : 'Message not sent';
      return { sent, arrives: sent, status: { emailStatus: { name, description } } };
    }
  }
}

function getPlatformStatus(kind: DeliveryOutcome, sent: boolean): string {
  if (sent) return 'PENDING_ACCEPTED';
  return kind === 'no-credit' ? 'REJECTED_NOT_ENOUGH_CREDITS' : 'UNDELIVERABLE_NOT_DELIVERED';
}
