import type { Logger } from 'pino';
import type { CodeChecked, EventBus, MessageSent, ServiceEvent } from '../common/events.js';

/** Enough to find a verification, not enough to use it: 48 of its 128 bits. */
const LOGGED_PIN_ID_LENGTH = 8;

/** Polled by machines every few seconds. */
const HEALTH_ROUTES = /^\/(health|metrics)\b/;

/** Logs one line per request and one per change of a verification, without their contents. */
export class EventLogger {
  constructor(private readonly logger: Logger) {}

  /** Logs every event from now on. */
  subscribeTo(events: EventBus): void {
    events.subscribe((event) => {
      this.write(event);
    });
  }

  private write(event: ServiceEvent): void {
    switch (event.type) {
      case 'request_completed': {
        const { context, method, route, status, problem, client } = event;
        const durationMs = roundMs(event.durationMs);
        this.logger[HEALTH_ROUTES.test(route ?? '') ? 'debug' : 'info'](
          { method, route, status, problem, client, durationMs, ...context },
          'request',
        );
        return;
      }
      case 'message_sent':
        this.logger[event.outcome === 'accepted' ? 'info' : 'warn'](
          toLogFields(event),
          event.resend ? 'resend' : 'send',
        );
        return;
      case 'code_checked':
        this.logger[event.outcome === 'unknown' ? 'warn' : 'info'](toLogFields(event), 'verify');
        return;
      case 'verification_cancelled': {
        const { client, pinId, context } = event;
        this.logger.info({ client, pinId: truncateId(pinId), ...context }, 'cancel');
        return;
      }
      // The metrics count the others; the emitter logs what an operator must see.
      default:
    }
  }
}

function toLogFields(event: MessageSent | CodeChecked): object {
  const { context, client, country, channel, provider, outcome } = event;
  const [pinId, durationMs] = [truncateId(event.pinId), roundMs(event.durationMs)];
  return { pinId, client, country, channel, provider, outcome, durationMs, ...context };
}

const truncateId = (pinId: string): string => `${pinId.slice(0, LOGGED_PIN_ID_LENGTH)}…`;

const roundMs = (ms: number): number => Math.round(ms * 10) / 10;
