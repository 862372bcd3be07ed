import type { FastifyReply } from 'fastify';
import { DomainError } from '../common/domain-error.js';
import { seconds } from '../common/durations.js';
import type { Limited, Repeated, Suspended } from '../storage/verification-store.js';

/** A body, and whether an earlier request with the same idempotency key was answered with it. */
export interface Answer<T> {
  readonly body: T;
  readonly replayed: boolean;
}

export const fresh = <T>(body: T): Answer<T> => ({ body, replayed: false });

/** The body, with the header that tells a replayed one. */
export function bodyOf<T>({ body, replayed }: Answer<T>, reply: FastifyReply): T {
  if (replayed) void reply.header('idempotency-replayed', 'true');
  return body;
}

/**
 * What a repeated request is answered.
 * @throws DomainError `idempotency_key_reused`, `request_in_progress`, or `provider_timeout` where
 * nobody knows how the earlier one ended.
 */
export function repeat<T>(repeated: Repeated): Answer<T> {
  switch (repeated.outcome) {
    case 'replayed':
      // Sealed by ourselves, for a request with the same method, path and body.
      return { body: repeated.answer as T, replayed: true };
    case 'ambiguous':
      throw new DomainError('provider_timeout', 'ambiguous', { replayed: true });
    case 'running':
      throw new DomainError('request_in_progress', 'Wait for the answer of the first request.', {
        retryAfterMs: seconds(1),
      });
    case 'key_reused':
      throw new DomainError('idempotency_key_reused', 'Use a new key for a request that differs.');
  }
}

/** A limit was reached, or the destination gets no texts for now. */
export function refused(refusal: Limited | Suspended, now: number): DomainError {
  const retryAfterMs = refusal.until - now;
  if (refusal.outcome === 'suspended') {
    return new DomainError('destination_suspended', 'Numbers like this get no texts for now.', {
      retryAfterMs,
    });
  }
  switch (refusal.limit) {
    case 'cooldown':
      return new DomainError('cooldown_active', 'This number was texted a moment ago.', {
        retryAfterMs,
      });
    case 'sends_per_day':
      return new DomainError('quota_exceeded', 'This number has had its texts of the day.', {
        retryAfterMs,
      });
    case 'client_sends':
      return new DomainError('quota_exceeded', 'You have had your texts of the day.', {
        retryAfterMs,
      });
    case 'end_user_sends':
      return new DomainError('quota_exceeded', 'This end user has had enough texts for now.', {
        retryAfterMs,
      });
    case 'failures':
      return new DomainError('quota_exceeded', 'Too many wrong codes were tried for this number.', {
        retryAfterMs,
      });
  }
}
