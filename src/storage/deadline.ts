import { seconds } from '../common/durations.js';
import type { ProvidersConfig } from '../config/providers.config.js';

/**
 * After this long, in milliseconds, a request that has not written its end is lost: its process
 * died. A send's deadline and then some, so that a slow one is not taken for a dead one.
 */
export const abandonedAfterMs = ({ sendDeadlineMs, timeoutMs }: ProvidersConfig): number =>
  sendDeadlineMs + timeoutMs + seconds(5);
