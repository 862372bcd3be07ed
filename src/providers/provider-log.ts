import { Injectable, Logger } from '@nestjs/common';
import { ProviderEvents, type ProviderEvent } from './provider-events.js';

/**
 * Logs what an operator has to know of the providers: calls that failed, and circuits. Circuits
 * also keep the log of an outage short, because a provider that is not called does not fail.
 */
@Injectable()
export class ProviderLog {
  private readonly logger = new Logger(ProviderLog.name);

  constructor(events: ProviderEvents) {
    events.listen((event) => {
      this.write(event);
    });
  }

  private write(event: ProviderEvent): void {
    const subject = `${event.provider} ${event.operation}`;
    if (event.type === 'circuit') {
      this.logger.warn(`${subject}: circuit ${event.state}`);
      return;
    }
    const { error, operation } = event;
    // A number's own fault is no news of the provider.
    if (!error || error.failure === 'destination_unreachable' || error.failure === 'gone') return;
    const texted = error.ambiguous && operation !== 'verify' ? '; a text may have left' : '';
    this.logger.warn(`${subject}: ${error.message}${texted}`);
  }
}
