import type { ReportReceiver } from '../reports/report.js';
import { InfobipError } from './infobip-error.js';
import type { InfobipSubscription } from './subscription.js';
import { createSubscriptionReceiver } from './subscription-receiver.js';

/** Bounds the memory of a sandbox that runs for a long time. */
const MAX_SUBSCRIPTIONS = 100;

interface StoredSubscription {
  readonly subscription: InfobipSubscription;
  readonly receiver: ReportReceiver;
}

/** Keeps the subscriptions of the channel SMS in memory. */
export class SubscriptionStore {
  private readonly subscriptions = new Map<string, StoredSubscription>();

  /** @param getHmacHeader returns the name of the header with the HMAC of the request's body */
  constructor(private readonly getHmacHeader: () => string) {}

  /**
   * Adds a subscription, or replaces the earlier one with the same id.
   * @throws InfobipError 429 if the store is full.
   */
  addSubscription(subscription: InfobipSubscription): void {
    const { subscriptionId } = subscription;
    if (this.subscriptions.size >= MAX_SUBSCRIPTIONS && !this.subscriptions.has(subscriptionId))
      throw new InfobipError(429);
    const receiver = createSubscriptionReceiver(subscription, this.getHmacHeader);
    this.subscriptions.set(subscriptionId, { subscription, receiver });
  }

  /** @throws InfobipError 404 */
  deleteSubscription(subscriptionId: string): void {
    if (!this.subscriptions.delete(subscriptionId)) throw new InfobipError(404);
  }

  listSubscriptions(): InfobipSubscription[] {
    return [...this.subscriptions.values()].map(({ subscription }) => subscription);
  }

  /** Lists the receivers of the subscriptions for delivery reports. */
  listReceivers(): ReportReceiver[] {
    return [...this.subscriptions.values()]
      .filter(({ subscription }) => subscription.events.includes('DELIVERY'))
      .map(({ receiver }) => receiver);
  }
}
