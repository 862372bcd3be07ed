import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { errors } from '../common/domain-error.js';
import type { RequestContext } from '../common/request-context.js';
import '../http/authenticated-client.js';
import type { IdempotentRequest } from '../storage/verification-store.js';

const KEY = /^[\x20-\x7e]{1,255}$/;

/** Who asks, and by which idempotency key if any. */
export interface RequestClient {
  readonly client: string;
  readonly idempotency: IdempotentRequest | undefined;
  readonly context: RequestContext;
}

/**
 * The caller of this request.
 * @throws DomainError `validation_failed` for an `Idempotency-Key` that cannot be one.
 */
export const CurrentClient = createParamDecorator(
  (_data: unknown, context: ExecutionContext): RequestClient => {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const { client } = request;
    // Every route that asks for it is behind the API-key guard.
    if (!client) throw errors.unauthenticated();
    return {
      client: client.name,
      idempotency: readIdempotencyKey(request),
      context: request.requestContext,
    };
  },
);

function readIdempotencyKey({
  headers,
  method,
  routeOptions,
  body,
}: FastifyRequest): IdempotentRequest | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || !KEY.test(key)) {
    const detail = 'Give an Idempotency-Key of 1 to 255 printable ASCII characters.';
    throw errors.validationFailed({ fieldErrors: [{ pointer: '#', detail }] });
  }
  return { key, request: `${method} ${routeOptions.url ?? ''}\n${canonical(body)}` };
}

/** Bodies here are flat: with their fields sorted, equal bodies have equal texts. */
function canonical(body: unknown): string {
  return JSON.stringify(Object.entries(body ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));
}
