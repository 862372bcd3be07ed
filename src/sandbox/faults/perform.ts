import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import { isWireKind, type Effect, type Fault, type RefusalKind, type WireKind } from './fault.js';

const SLOW_MS = 2_000;

/** How a vendor says no in this way. */
type Refusal = (kind: RefusalKind, fault: Fault) => Error;

/**
 * Answers a call, or lets it fail as its fault says.
 * @param refusal the error to throw where the fault is one of the vendor's own.
 * @param work what the call does; it is told of an effect to have.
 */
export async function perform(
  reply: FastifyReply,
  fault: Fault | undefined,
  refusal: Refusal,
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
  return spoil(reply, kind, (refused) => refusal(refused, fault));
}

function spoil(
  reply: FastifyReply,
  kind: Exclude<WireKind, 'slow'>,
  refusal: (kind: RefusalKind) => Error,
): FastifyReply {
  switch (kind) {
    case 'hang':
      return reply.hijack();
    case 'drop':
      reply.hijack().raw.destroy();
      return reply;
    case 'garbage':
      return reply.type('text/html').send('<html><body>Bad gateway</body></html>');
    default:
      throw refusal(kind);
  }
}
