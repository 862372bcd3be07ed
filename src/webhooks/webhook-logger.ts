import { Injectable, Logger } from '@nestjs/common';
import type { ClaimedEvent } from '../storage/webhook-event.types.js';

/** Logs the beginning and the end of an outage of the receiver, abandoned events, and errors. */
@Injectable()
export class WebhookLogger {
  private readonly logger = new Logger('Events');
  private isFailing = false;
  private hasError = false;

  logAccepted(): void {
    if (this.isFailing) this.logger.log('The receiver at EVENTS_URL accepts events again.');
    this.isFailing = false;
  }

  /** @param reason a code of WebhookError */
  logFailed(reason: string): void {
    if (!this.isFailing)
      this.logger.warn(
        `The receiver at EVENTS_URL accepts no events (${reason}). They are retried.`,
      );
    this.isFailing = true;
  }

  logAbandoned({ eventId, type }: ClaimedEvent, reason: string): void {
    this.logger.error(
      `Event ${eventId} (${type}) was not accepted for a day: given up (${reason}).`,
    );
  }

  /** Logs an event whose content is no longer stored. */
  logWithoutContent({ eventId, type }: ClaimedEvent): void {
    this.logger.error(
      `Event ${eventId} (${type}) was not sent: ` +
        'its verification was deleted after RETENTION, or erased.',
    );
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
