import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import { ApiError, type ApiStatus } from '../infobip/api-error.js';
import { isWireKind, type Effect, type Fault, type WireKind } from './fault.js';

const SLOW_MS = 2_000;
const THROTTLED_FOR_S = 3;

const STATUS = {
  'bad-request': 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  throttled: 429,
  'server-error': 500,
  unavailable: 503,
} as const satisfies Partial<Record<WireKind, ApiStatus>>;

/**
 * Answers a call, or lets it fail as its fault says.
 * @param work what the call does; it is told of an effect to have.
 */
export async function perform(
  reply: FastifyReply,
  fault: Fault | undefined,
  work: (effect?: Effect) => object,
): Promise<unknown> {
  if (!fault) return work();
  const { kind } = fault;
  if (!isWireKind(kind)) return work(kind);
  if (kind === 'slow') {
    const answer = work();
    await delay(fault.delayMs ?? SLOW_MS, undefined, { ref: false });
    return answer;
  }
  if (fault.performed) work();
  return spoil(reply, kind, fault);
}

function spoil(
  reply: FastifyReply,
  kind: Exclude<WireKind, 'slow'>,
  { errorShape }: Fault,
): FastifyReply {
  switch (kind) {
    case 'hang':
      return reply.hijack();
    case 'drop':
      reply.hijack().raw.destroy();
      return reply;
    case 'garbage':
      return reply.type('text/html').send('<html><body>Bad gateway</body></html>');
    default: {
      const status = STATUS[kind];
      const retryAfterS = status === 429 ? THROTTLED_FOR_S : undefined;
      throw new ApiError(status, undefined, { retryAfterS, shape: errorShape });
    }
  }
}
