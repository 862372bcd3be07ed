import { Injectable, Logger } from '@nestjs/common';
import type { ClaimedEvent } from '../storage/webhook-event.types.js';
import { UnreadableEventError } from './unreadable-event.error.js';
import type { WebhookError } from './webhook-client.js';

/**
 * Logs the beginning and the end of an outage of the receiver, events that cannot be decrypted,
 * abandoned events, and errors.
 */
@Injectable()
export class WebhookLogger {
  private readonly logger = new Logger('Events');
  private isFailing = false;
  /** Whether an event could not be decrypted since the receiver accepted one. */
  private hasUnreadable = false;
  private hasError = false;

  logAccepted(): void {
    if (this.isFailing) this.logger.log('The receiver at EVENTS_URL accepts events again.');
    this.isFailing = false;
    this.hasUnreadable = false;
  }

  logFailed(event: ClaimedEvent, error: WebhookError): void {
    if (error instanceof UnreadableEventError) {
      this.logUnreadable(event, error);
      return;
    }
    if (!this.isFailing)
      this.logger.warn(
        `The receiver at EVENTS_URL accepts no events (${error.message}). They are retried.`,
      );
    this.isFailing = true;
  }

  logAbandoned({ eventId, type }: ClaimedEvent, error: WebhookError): void {
    const problem = error instanceof UnreadableEventError ? 'decrypted' : 'accepted';
    this.logger.error(
      `Event ${eventId} (${type}) was not ${problem} for a day: given up (${error.message}).`,
    );
  }

  /** Logs an event whose content is no longer stored. */
  logWithoutContent({ eventId, type }: ClaimedEvent): void {
    this.logger.error(
      `Event ${eventId} (${type}) was not sent: ` +
        'its verification was deleted after RETENTION, or erased.',
    );
  }

  private logUnreadable({ eventId, type }: ClaimedEvent, { message, cause }: UnreadableEventError) {
    if (!this.hasUnreadable) {
      this.logger.error(
        `Event ${eventId} (${type}) cannot be decrypted (${message}). ${cause.message} ` +
          'Such events are retried for a day.',
      );
    }
    this.hasUnreadable = true;
  }

  /** Logs an error, such as an unreachable database, once until `clearError`. */
  logErrorOnce(error: unknown): void {
    if (!this.hasError) this.logger.warn(error);
    this.hasError = true;
  }

  clearError(): void {
    this.hasError = false;
  }
}
