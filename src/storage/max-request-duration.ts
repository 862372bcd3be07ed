import { seconds } from '../common/durations.js';
import type { ProvidersConfig } from '../config/providers.config.js';

/**
 * The longest time that a request may run, in milliseconds: the deadline of a send, the timeout of
 * a provider call and a margin. If a request is unfinished after that, a crash has ended it.
 */
export const getMaxRequestMs = ({ sendDeadlineMs, timeoutMs }: ProvidersConfig): number =>
  sendDeadlineMs + timeoutMs + seconds(5);
