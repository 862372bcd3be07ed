import { Injectable, Logger } from '@nestjs/common';
import {
  EventBus,
  type CircuitStateChanged,
  type ProviderCallCompleted,
} from '../common/events.js';

/**
 * Logs what an operator has to know of the providers: calls that failed, and circuits. Circuits
 * also keep the log of an outage short, because a provider that is not called does not fail.
 */
@Injectable()
export class ProviderEventLogger {
  private readonly logger = new Logger(ProviderEventLogger.name);

  constructor(events: EventBus) {
    events.subscribe((event) => {
      if (event.type === 'provider_call_completed') this.logCall(event);
      if (event.type === 'circuit_state_changed') this.logCircuit(event);
    });
  }

  private logCircuit({ provider, operation, state }: CircuitStateChanged): void {
    this.logger.warn(`${provider} ${operation}: circuit ${state}`);
  }

  private logCall({ context, provider, operation, error }: ProviderCallCompleted): void {
    // A number's own fault is no news of the provider.
    if (!error || error.failure === 'destination_unreachable' || error.failure === 'pin_not_found')
      return;
    const texted = error.ambiguous && operation !== 'verify' ? '; a text may have left' : '';
    const msg = `${provider} ${operation}: ${error.message}${texted}`;
    this.logger.warn({ msg, ...context });
  }
}
