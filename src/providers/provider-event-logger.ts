import { Injectable, Logger } from '@nestjs/common';
import { EventBus, type ProviderCallCompleted } from '../common/events.js';
import type { ProviderOperation } from '../common/label-values.js';

/** Failures that concern one number or its code, not the provider. */
const NUMBER_FAILURES: readonly string[] = ['destination_unreachable', 'pin_not_found'];

/** What a call whose response was lost may have done. */
const CONSEQUENCES: Readonly<Record<ProviderOperation, string>> = {
  send: '; a message may have been sent',
  resend: '; a message may have been sent',
  verify: '; the code may have been checked, so its attempt stays counted',
  status: '',
};

/** Logs failed calls and changes of circuits. While a circuit is open, no calls are made or logged. */
@Injectable()
export class ProviderEventLogger {
  private readonly logger = new Logger(ProviderEventLogger.name);

  constructor(events: EventBus) {
    events.subscribe('provider_call_completed', (event) => {
      this.logCall(event);
    });
    events.subscribe('circuit_state_changed', (event) => {
      this.logger.warn(`${describeOperation(event)}: circuit ${event.state}`);
    });
  }

  private logCall(event: ProviderCallCompleted): void {
    const { context, operation, error } = event;
    if (!error || NUMBER_FAILURES.includes(error.failure)) return;
    const consequence = error.ambiguous ? CONSEQUENCES[operation] : '';
    this.logger.warn({
      msg: `${describeOperation(event)}: ${error.message}${consequence}`,
      ...context,
    });
  }
}

/** Such as `sinch verify`, or `sinch send by whatsapp`. */
const describeOperation = ({
  provider,
  operation,
  channel,
}: Pick<ProviderCallCompleted, 'provider' | 'operation' | 'channel'>): string =>
  `${provider} ${operation}${channel === '' ? '' : ` by ${channel}`}`;
