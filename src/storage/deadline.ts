import { seconds } from '../common/durations.js';
import type { AppConfig } from '../config/app-config.js';

/**
 * After this long, in milliseconds, a request that has not written its end is lost: its process
 * died. Twice the provider's deadline and then some, so that a slow one is not taken for a dead one.
 */
export const lostAfterMs = ({ providerTimeoutMs }: AppConfig): number =>
  2 * providerTimeoutMs + seconds(5);
