import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { ClientRules } from '../clients/client-rules.js';
import { DomainError } from '../common/domain-error.js';
import type { RequestContext } from '../common/request-context.js';
import '../http/request-fields.js';
import type { IdempotentRequest } from '../storage/idempotency.types.js';

const IDEMPOTENCY_KEY = /^[\x20-\x7e]{1,255}$/;

/** The client of a request with its rules, and the context of the request. */
export interface RequestClient {
  readonly client: string;
  readonly rules: ClientRules;
  /** `undefined` without an `Idempotency-Key`, and on routes that ignore it. */
  readonly idempotency: IdempotentRequest | undefined;
  readonly context: RequestContext;
}

interface CurrentClientOptions {
  /** Whether the route honours an `Idempotency-Key`; by default it ignores the header. */
  readonly idempotent: boolean;
}

/**
 * Injects the client of the request.
 * @throws DomainError `validation_failed` for an invalid `Idempotency-Key` that the route honours.
 */
export const CurrentClient = createParamDecorator(
  (options: CurrentClientOptions | undefined, context: ExecutionContext): RequestClient => {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const { client } = request;
    // Cannot happen: every route that uses the decorator is behind the API-key guard.
    if (!client) throw new DomainError('unauthenticated');
    return {
      client: client.name,
      rules: client.rules,
      idempotency: options?.idempotent ? toIdempotentRequest(request) : undefined,
      context: request.requestContext,
    };
  },
);

function toIdempotentRequest({
  headers,
  method,
  routeOptions,
  body,
}: FastifyRequest): IdempotentRequest | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || !IDEMPOTENCY_KEY.test(key)) {
    const detail = 'Give an Idempotency-Key of 1 to 255 printable ASCII characters.';
    throw new DomainError('validation_failed', {
      message: 'The header `Idempotency-Key` is invalid.',
      fieldErrors: [{ pointer: '#', detail }],
    });
  }
  return { key, request: `${method} ${routeOptions.url ?? ''}\n${toCanonicalJson(body)}` };
}

/**
 * With sorted fields, equal bodies have equal strings. Objects and lists are left out, because deep ones
 * would overflow the stack: no field of a body allows them, and the validation pipe rejects them.
 */
function toCanonicalJson(body: unknown): string {
  const fields = Object.entries(body ?? {}).filter(([, value]) => typeof value !== 'object');
  return JSON.stringify(fields.sort(([a], [b]) => (a < b ? -1 : 1)));
}
