import { Webhook } from 'standardwebhooks';
import type { FakeClock } from './fake-clock.js';
import { reply, startScriptedUpstream, type ScriptedUpstream } from './scripted-upstream.js';

/** The secret that signs events, and the one before a rotation. */
export const EVENTS_SECRET = `whsec_${Buffer.alloc(32, 'a').toString('base64')}`;
export const OLD_EVENTS_SECRET = `whsec_${Buffer.alloc(24, 'b').toString('base64')}`;

/** An event as `docs/events.md` describes it. */
interface ReceivedEvent {
  readonly type: string;
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface EventReceiver extends ScriptedUpstream {
  /** The settings of a service that sends its events here. */
  readonly settings: { readonly EVENTS_URL: string; readonly EVENTS_SECRET: string };
  /** Every event that was posted, repeated ones too. */
  getEvents(): ReceivedEvent[];
  /** The `webhook-id` of each event, in the same order. */
  getIds(): string[];
  /** Checks every event's signature with the library of Standard Webhooks. @returns the events */
  verifyAll(clock: FakeClock, secret?: string): unknown[];
}

/** Starts a receiver of events. It answers 204 unless a test sets another answer. */
export async function startEventReceiver(): Promise<EventReceiver> {
  const upstream = await startScriptedUpstream();
  upstream.answer(reply(204, ''));
  const getEvents = () => upstream.requests.map(({ body }) => JSON.parse(body) as ReceivedEvent);
  const getIds = () => upstream.requests.map(({ headers }) => String(headers['webhook-id']));
  return {
    ...upstream,
    settings: { EVENTS_URL: `${upstream.url}/otp-events?tenant=1`, EVENTS_SECRET },
    getEvents,
    getIds,
    verifyAll: (clock, secret = EVENTS_SECRET) => {
      // The library rejects a timestamp that differs from the time by more than five minutes.
      const dateNow = jest.spyOn(Date, 'now').mockReturnValue(clock.now());
      const webhook = new Webhook(secret);
      const verified = upstream.requests.map(({ body, headers }) =>
        webhook.verify(body, headers as Record<string, string>),
      );
      dateNow.mockRestore();
      return verified;
    },
  };
}
