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
import type { ReferencedVerification } from './repositories/message-queries.js';
import { MessageRepository } from './repositories/message.repository.js';

/** A message for which a provider asks whether this service requested it. Sinch asks before it sends. */
export interface RequestedMessage {
  /** As it was given to the provider; see {@link ProviderReferences}. */
  readonly reference: string;
  readonly channel: Channel;
  readonly phoneNumber: PhoneNumber;
}

/**
 * Stores delivery reports, and looks up the verifications that providers ask about. Every method
 * throws DomainError `storage_unavailable` if the database cannot be reached, and can then be
 * called again.
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
   * Stores reports, and emits `delivery_reported` for each message with a new status. A repeated report
   * changes nothing. A report of an unknown message is kept for 15 minutes, in case its send follows.
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
      // Also counts the reports that are kept, because their send may follow.
      const count = changed.length - known.length;
      if (count > 0) {
        this.events.emit({ type: 'reports_refused', provider, reason: 'unknown_id', count });
      }
    });
  }

  /** Links the reports that came before their send was stored, and emits their events. */
  async linkReports(): Promise<void> {
    const linked = await this.messages.linkReports();
    for (const event of linked.flatMap(toDeliveryEvent)) this.events.emit(event);
  }

  /** Whether the reference is that of an open verification with this number and channel. */
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
   * Finds a verification that the provider reports as verified, but that failed, was cancelled or
   * expired in this service.
   * @returns `undefined` if it is unknown, is verified, or may become so: it is open, or a check
   * has no result
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

  private isAbout({ number_hash }: ReferencedVerification, { identity }: PhoneNumber): boolean {
    return this.protection.getAllHashes('phone-number', identity).includes(number_hash);
  }
}

const ENDED_UNVERIFIED: readonly ReferencedVerification['status'][] = [
  'failed',
  'cancelled',
  'expired',
];

const isOpen = ({ status }: ReferencedVerification): boolean =>
  status === 'sending' || status === 'pending';
