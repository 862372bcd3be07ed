import type { Logger } from 'pino';
import type { CodeJudged, Events, ServiceEvent, TextSent } from '../common/events.js';

/** Enough to find a verification by, far too little to ask for it: 48 of its 128 bits. */
const SHOWN_OF_PIN_ID = 8;

/** Asked for by machines, every few seconds. */
const ROUTINE = /^\/(health|metrics)\b/;

/** Writes one line a request and one a move of a verification. What they carried is not in it. */
export function logEvents(events: Events, logger: Logger): void {
  events.listen((event) => {
    write(event, logger);
  });
}

function write(event: ServiceEvent, logger: Logger): void {
  switch (event.type) {
    case 'request_answered': {
      const { context, method, route, status, problem, client, durationMs } = event;
      const level = ROUTINE.test(route ?? '') ? 'debug' : 'info';
      logger[level](
        { method, route, status, problem, client, durationMs: rounded(durationMs), ...context },
        'request',
      );
      return;
    }
    case 'text_sent':
      logger[event.outcome === 'taken' ? 'info' : 'warn'](
        lineOf(event),
        event.resend ? 'resend' : 'send',
      );
      return;
    case 'code_judged':
      logger[event.outcome === 'unjudged' ? 'warn' : 'info'](lineOf(event), 'verify');
      return;
    case 'verification_cancelled':
      logger.info(
        { client: event.client, pinId: shortened(event.pinId), ...event.context },
        'cancel',
      );
      return;
    // These are counted; where they are news, who emits them logs them.
    case 'request_begun':
    case 'provider_called':
    case 'circuit_changed':
    case 'code_refused':
    case 'text_weighed':
    case 'store_used':
      return;
  }
}

function lineOf(move: TextSent | CodeJudged): object {
  const { context, pinId, client, country, channel, provider, outcome, durationMs } = move;
  return {
    pinId: shortened(pinId),
    client,
    country,
    channel,
    provider,
    outcome,
    durationMs: rounded(durationMs),
    ...context,
  };
}

const shortened = (pinId: string): string => `${pinId.slice(0, SHOWN_OF_PIN_ID)}…`;

const rounded = (ms: number): number => Math.round(ms * 10) / 10;
