import type { UnreadableDataError } from '../storage/unreadable-data.error.js';
import { WebhookError } from './webhook-client.js';

/** An event was not posted, because its verification cannot be decrypted. */
export class UnreadableEventError extends WebhookError {
  constructor(override readonly cause: UnreadableDataError) {
    super('stored_data_unreadable');
  }
}
