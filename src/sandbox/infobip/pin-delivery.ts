import { randomUUID } from 'node:crypto';
import {
  DELIVERY_OUTCOMES,
  type DeliveryOutcome,
  type ForcedOutcome,
} from '../faults/sandbox-fault.js';
import type { MessageInbox } from '../message-inbox.js';
import type { DeliveryReporter } from './delivery-reporter.js';
import type { FloodFilter } from './flood-filter.js';
import { renderText, type IssuedPin } from './issued-pin.js';
import type { PinResendRequest } from './pin-requests.js';
import { simulateDelivery, type InfobipChannel } from './simulate-delivery.js';

export interface PinSendOptions {
  /** Whether to look up the number before an SMS is sent. Default: true. */
  readonly withNumberLookup?: boolean;
  readonly forcedOutcome?: ForcedOutcome | undefined;
}

interface PinDeliveryDependencies {
  readonly inbox: MessageInbox;
  /** `undefined` if the sandbox does not simulate the flood filter. */
  readonly floodFilter: FloodFilter | undefined;
  readonly reporter: DeliveryReporter;
  /** The time by the sandbox's clock, in milliseconds since the epoch. */
  readonly now: () => number;
}

/** Delivers the messages with PINs, and reports their delivery if the request has `trackDelivery`. */
export class PinDelivery {
  constructor(private readonly deps: PinDeliveryDependencies) {}

  /** Sends a message with the PIN. @returns the response to the send or resend */
  async deliverPin(
    channel: InfobipChannel,
    pin: IssuedPin,
    { trackDelivery = false }: PinResendRequest,
    { withNumberLookup = true, forcedOutcome }: PinSendOptions,
  ): Promise<object> {
    const { inbox, floodFilter, reporter, now } = this.deps;
    const { pinId, to, from: sender } = pin;
    const sentAt = now();
    const delivery = simulateDelivery(channel, toDeliveryOutcome(forcedOutcome), withNumberLookup);
    if (delivery.isSent) pin.sentAt ??= sentAt;
    const text = renderText(pin);
    const countsForFloodFilter =
      channel === 'sms' && delivery.isSent && areLimitsEnforced(forcedOutcome);
    const floodError = countsForFloodFilter ? floodFilter?.checkMessage(to, text) : undefined;
    const messageId = trackDelivery ? randomUUID() : undefined;
    if (delivery.isDelivered && floodError === undefined) {
      inbox.addMessage({
        to,
        from: sender,
        channel,
        text,
        pin: pin.code,
        pinId,
        provider: 'infobip',
        sentAt: new Date(sentAt).toISOString(),
        ...(messageId !== undefined && { messageId }),
      });
    }
    // A message that was not sent has an `externalMessageId`, but no delivery report.
    if (messageId !== undefined && delivery.isSent) {
      const result = delivery.isDelivered ? (floodError ?? 'delivered') : 'unreachable';
      await reporter.reportMessage({ messageId, to, sender, sentAt }, result);
    }
    return { pinId, to, ...delivery.status, externalMessageId: messageId };
  }
}

/** No limit applies to the forced outcome `delivered`, so that its magic number always works. */
export const areLimitsEnforced = (forcedOutcome: ForcedOutcome | undefined): boolean =>
  forcedOutcome !== 'delivered';

/** A forced outcome that is not about delivery, such as `expired`, does not prevent the delivery. */
const toDeliveryOutcome = (forcedOutcome: ForcedOutcome | undefined): DeliveryOutcome =>
  DELIVERY_OUTCOMES.find((outcome) => outcome === forcedOutcome) ?? 'delivered';
