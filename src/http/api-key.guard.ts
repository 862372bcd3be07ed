import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { InjectThrottlerStorage, type ThrottlerStorage } from '@nestjs/throttler';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { errors } from '../common/domain-error.js';
import { minutes } from '../common/durations.js';
import { ApiKeys } from './api-keys.js';
import { addressOf, type Caller } from './caller.js';
import { PUBLIC } from './public.decorator.js';
import { answerQuota } from './quota.js';

/** Whoever calls where no key is asked for: all of them are one client. */
const ANONYMOUS = 'anonymous';

/** Requests without a good key that one address may make in a minute and hear that it is not good. */
const FAILURES = { name: 'unauthenticated', limit: 30, windowMs: minutes(1) };

/**
 * Finds out who calls, before anything else looks at the request. Whoever cannot be told is counted
 * by address only, and never keeps a good key from the same address out.
 */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  constructor(
    private readonly keys: ApiKeys,
    private readonly reflector: Reflector,
    @InjectThrottlerStorage() private readonly counters: ThrottlerStorage,
  ) {}

  /** @throws DomainError `unauthenticated` or, after too many of those, `too_many_requests` */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.reflector.getAllAndOverride(PUBLIC, [context.getHandler(), context.getClass()])) {
      return true;
    }
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const caller = this.callerOf(request);
    if (!caller) return this.refuse(request, http.getResponse<FastifyReply>());
    request.caller = caller;
    return true;
  }

  private callerOf(request: FastifyRequest): Caller | undefined {
    if (!this.keys.required) {
      return { client: ANONYMOUS, tracker: `address:${addressOf(request)}` };
    }
    const client = this.keys.clientOf(request.headers.authorization);
    return client === undefined ? undefined : { client, tracker: `client:${client}` };
  }

  private async refuse(request: FastifyRequest, reply: FastifyReply): Promise<never> {
    const { name, limit, windowMs } = FAILURES;
    const hit = await this.counters.increment(
      `${name}:${addressOf(request)}`,
      windowMs,
      limit,
      windowMs,
      name,
    );
    answerQuota(request, reply, { name, limit, windowMs }, hit);
    // RFC 6750 §3: no error code where no key was shown.
    const shown = request.headers.authorization !== undefined;
    void reply.header('www-authenticate', shown ? 'Bearer error="invalid_token"' : 'Bearer');
    if (hit.isBlocked) {
      throw errors.tooManyRequests({ message: 'Too many requests without a valid API key.' });
    }
    throw errors.unauthenticated();
  }
}
