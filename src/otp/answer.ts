import type { FastifyReply } from 'fastify';
import { DomainError } from '../common/domain-error.js';
import { seconds } from '../common/durations.js';
import type { Limited, Repeated } from '../storage/verification-store.js';

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

/** A limit of the number was reached. */
export function limitReached({ limit, until }: Limited, now: number): DomainError {
  const retryAfterMs = until - now;
  switch (limit) {
    case 'cooldown':
      return new DomainError('cooldown_active', 'This number was texted a moment ago.', {
        retryAfterMs,
      });
    case 'sends_per_day':
      return new DomainError('quota_exceeded', 'This number has had its texts of the day.', {
        retryAfterMs,
      });
    case 'failures':
      return new DomainError('quota_exceeded', 'Too many wrong codes were tried for this number.', {
        retryAfterMs,
      });
  }
}
