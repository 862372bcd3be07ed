import { seconds } from '../common/durations.js';
import type { ProvidersConfig } from '../config/providers.config.js';

/** After this long, in milliseconds, an unfinished request is abandoned: its process has crashed. */
export const abandonedAfterMs = ({ sendDeadlineMs, timeoutMs }: ProvidersConfig): number =>
  sendDeadlineMs + timeoutMs + seconds(5);
