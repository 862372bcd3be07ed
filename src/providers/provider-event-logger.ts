import { Injectable, Logger } from '@nestjs/common';
import { EventBus, type ProviderCallCompleted } from '../common/events.js';

/** They concern one number and not the provider. */
const FAILURES_OF_NUMBERS: readonly string[] = ['destination_unreachable', 'pin_not_found'];

/** Logs failed calls and circuits. An open circuit keeps the log short: no calls, no failures. */
@Injectable()
export class ProviderEventLogger {
  private readonly logger = new Logger(ProviderEventLogger.name);

  constructor(events: EventBus) {
    events.subscribe('provider_call_completed', (event) => {
      this.logCall(event);
    });
    events.subscribe('circuit_state_changed', ({ provider, operation, state }) => {
      this.logger.warn(`${provider} ${operation}: circuit ${state}`);
    });
  }

  private logCall({ context, provider, operation, error }: ProviderCallCompleted): void {
    if (!error || FAILURES_OF_NUMBERS.includes(error.failure)) return;
    const ambiguous =
      error.ambiguous && operation !== 'verify' ? '; a message may have been sent' : '';
    this.logger.warn({ msg: `${provider} ${operation}: ${error.message}${ambiguous}`, ...context });
  }
}
