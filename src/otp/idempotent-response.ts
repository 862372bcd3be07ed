import type { FastifyReply } from 'fastify';
import { DomainError } from '../common/domain-error.js';
import { hours, seconds } from '../common/durations.js';
import type { EarlierRequestState } from '../storage/idempotency.types.js';
import type {
  DestinationSuspended,
  LimitExceeded,
  SharedLimitExceeded,
} from '../storage/limit.types.js';

/** The same for every shared limit: an exact time would reveal what other clients did, and when. */
const SHARED_LIMIT_RETRY_MS = hours(1);

/** A response body, and whether it repeats an earlier response for the same idempotency key. */
export interface IdempotentResponse<T> {
  readonly body: T;
  readonly replayed: boolean;
}

export const toNewResponse = <T>(body: T): IdempotentResponse<T> => ({ body, replayed: false });

/** Returns the body for Nest to send. Sets `Idempotency-Replayed` on a replayed response. */
export function prepareBody<T>({ body, replayed }: IdempotentResponse<T>, reply: FastifyReply): T {
  if (replayed) void reply.header('idempotency-replayed', 'true');
  return body;
}

/**
 * The response to a repeated request.
 * @throws DomainError `idempotency_key_reused`, `request_in_progress`, `stored_data_unreadable`, or
 * `provider_timeout` if the result of the earlier request is unknown.
 */
export function toReplayedResponse<T>(earlier: EarlierRequestState): IdempotentResponse<T> {
  switch (earlier.outcome) {
    case 'replayed':
      // The storage has checked the shape of the response, and that both requests are equal.
      return { body: earlier.response as T, replayed: true };
    case 'ambiguous':
      throw new DomainError('provider_timeout', {
        message: 'The first request with this idempotency key had no clear result.',
        replayed: true,
      });
    case 'running':
      throw new DomainError('request_in_progress', { retryAfterMs: seconds(1) });
    case 'key_reused':
      throw new DomainError('idempotency_key_reused');
    case 'unreadable':
      throw new DomainError('stored_data_unreadable', { cause: earlier });
  }
}

/** The error of a send or verify that a limit refused, or whose destination is suspended. */
export function toLimitError(
  refusal: LimitExceeded | SharedLimitExceeded | DestinationSuspended,
  now: number,
): DomainError {
  const auditDetails = { country: refusal.country };
  if (refusal.outcome === 'limited' && refusal.limit === 'shared') {
    const { cause } = refusal;
    const retryAfterMs = SHARED_LIMIT_RETRY_MS;
    const message = SHARED_LIMIT_MESSAGE;
    return new DomainError('quota_exceeded', { message, limit: cause, retryAfterMs, auditDetails });
  }
  const retryAfterMs = refusal.until - now;
  if (refusal.outcome === 'suspended')
    return new DomainError('destination_suspended', { retryAfterMs, auditDetails });
  const reached = { limit: refusal.limit, retryAfterMs, auditDetails };
  if (refusal.limit === 'cooldown') {
    return new DomainError('cooldown_active', {
      message: describeCooldown(retryAfterMs),
      ...reached,
    });
  }
  if (refusal.limit === 'same_code') return new DomainError('resend_limit_reached', reached);
  return new DomainError('quota_exceeded', { message: LIMIT_MESSAGES[refusal.limit], ...reached });
}

/** A message that the provider refused starts a cooldown too, so the text does not say "sent". */
function describeCooldown(retryAfterMs: number): string {
  const wait = String(Math.max(1, Math.ceil(retryAfterMs / seconds(1))));
  return (
    `A message to this number was requested moments ago. The next message is possible in ${wait} s. ` +
    'If a code was sent, `/otp/resend` then repeats it.'
  );
}

const SHARED_LIMIT_MESSAGE = 'A limit that all clients of this service share is reached.';

const LIMIT_MESSAGES: Readonly<
  Record<Exclude<LimitExceeded['limit'], 'cooldown' | 'same_code'>, string>
> = {
  sends_per_day: 'This number has reached its daily limit of messages.',
  client_sends: 'This client has reached its daily limit of messages.',
  client_wrong_codes:
    'This client has reached its daily limit of wrong codes: only the first code of each verification is checked. Send a new code.',
  client_unreachable: 'This client has reached its daily limit of unreachable numbers.',
  end_user_sends: 'This end user has reached the limit of messages.',
  failures: 'Too many wrong codes were submitted for this number.',
  flood_filter: 'The provider delivers no more messages to this number at the moment.',
};
