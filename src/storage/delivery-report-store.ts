import { Injectable } from '@nestjs/common';
import type { Channel } from '../common/channel.js';
import type { DeliveryReport } from '../common/delivery-report.js';
import { EventBus } from '../common/events.js';
import type { PhoneNumber } from '../common/phone-number.js';
import type { RequestContext } from '../common/request-context.js';
import { DataProtection } from './data-protection.js';
import { measureOperation } from './measure-operation.js';
import { ProviderReferences } from './provider-references.js';
import { toDeliveryEvent } from './repositories/delivery-event.js';
import type { RequestedVerification } from './repositories/message-queries.js';
import { MessageRepository } from './repositories/message.repository.js';

/** A message that a provider asks about before it sends it. */
export interface RequestedMessage {
  /** As it was given to the provider; see {@link ProviderReferences}. */
  readonly reference: string;
  readonly channel: Channel;
  readonly phoneNumber: PhoneNumber;
}

/**
 * What providers report of messages. Throws DomainError `storage_unavailable` if the database cannot be
 * reached: every report can be repeated then.
 */
@Injectable()
export class DeliveryReportStore {
  constructor(
    private readonly messages: MessageRepository,
    private readonly references: ProviderReferences,
    private readonly protection: DataProtection,
    private readonly events: EventBus,
  ) {}

  /**
   * Stores reports, and emits `delivery_reported` for each message with a new status. A report that is
   * no news changes nothing. One of an unknown message waits for 15 minutes for its send.
   */
  apply(
    provider: string,
    reports: readonly DeliveryReport[],
    context?: RequestContext,
  ): Promise<void> {
    return measureOperation(this.events, 'applyReports', context, async () => {
      const changed = await this.messages.applyReports(provider, reports);
      const known = changed.filter(({ pin_id }) => pin_id !== '');
      for (const event of known.flatMap(toDeliveryEvent)) this.events.emit(event);
      const count = changed.length - known.length;
      if (count > 0) {
        this.events.emit({ type: 'reports_refused', provider, reason: 'unknown_id', count });
      }
    });
  }

  /** Whether this service has just requested a message: of this verification, number and channel. */
  isRequested(message: RequestedMessage, context?: RequestContext): Promise<boolean> {
    return measureOperation(this.events, 'findRequested', context, async () => {
      const { phoneNumber, channel } = message;
      const reference = this.references.parse(message.reference);
      if (reference?.channel !== channel) return false;
      const found = await this.messages.findVerification(reference.pinId);
      return found !== undefined && isOpen(found) && this.isAbout(found, phoneNumber);
    });
  }

  /**
   * Finds whether a verification ended otherwise, although the provider verified its code.
   * @returns `undefined` if it is verified, or may still be: a check is running, or its answer is lost
   */
  findUnverified(
    reference: string,
    context?: RequestContext,
  ): Promise<{ pinId: string; client: string } | undefined> {
    return measureOperation(this.events, 'findRequested', context, async () => {
      const message = this.references.parse(reference);
      const found = message && (await this.messages.findVerification(message.pinId));
      if (!found || !ENDED_UNVERIFIED.includes(found.status) || found.unresolved > 0) return;
      return { pinId: message.pinId, client: found.client };
    });
  }

  private isAbout({ number_hash }: RequestedVerification, { identity }: PhoneNumber): boolean {
    return this.protection.getAllHashes('phone-number', identity).includes(number_hash);
  }
}

const ENDED_UNVERIFIED: readonly RequestedVerification['status'][] = [
  'failed',
  'cancelled',
  'expired',
];

const isOpen = ({ status }: RequestedVerification): boolean =>
  status === 'sending' || status === 'pending';
