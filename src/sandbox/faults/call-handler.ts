import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import type { ProviderName } from '../provider-name.js';
import type { FaultInjector } from './fault-injector.js';
import { findMagicFault } from './magic-numbers.js';
import {
  isResponseFault,
  type ErrorFaultKind,
  type ForcedOutcome,
  type ResponseFaultKind,
  type SandboxFault,
  type SandboxOperation,
} from './sandbox-fault.js';

const DEFAULT_DELAY_MS = 2_000;

/** Creates the error with which the provider's API reports a fault. */
type FaultErrorFactory = (kind: ErrorFaultKind, fault: SandboxFault) => Error;

/** Does the work of a call. Must report the outcome if one is given. */
type CallWork = (outcome?: ForcedOutcome) => object;

/** Answers one call. `to` is the address of the call, or empty where it has none. */
type CallHandler = (
  reply: FastifyReply,
  operation: SandboxOperation,
  to: string,
  work: CallWork,
) => Promise<unknown>;

/** Creates the handler that applies planned faults and magic numbers to one provider's calls. */
export function createCallHandler(
  provider: ProviderName,
  faults: FaultInjector,
  createError: FaultErrorFactory,
): CallHandler {
  return (reply, operation, to, work) => {
    const fault =
      faults.consumeFault(operation, provider) ?? findMagicFault(operation, to, provider);
    return applyFault(reply, fault, createError, work);
  };
}

async function applyFault(
  reply: FastifyReply,
  fault: SandboxFault | undefined,
  createError: FaultErrorFactory,
  work: CallWork,
): Promise<unknown> {
  if (!fault) return work();
  const { kind } = fault;
  if (!isResponseFault(kind)) return work(kind);
  if (kind === 'slow') {
    const response = work();
    await delay(fault.delayMs ?? DEFAULT_DELAY_MS, undefined, { ref: false });
    return response;
  }
  if (fault.performed) work();
  return sendBrokenResponse(reply, kind, (errorKind) => createError(errorKind, fault));
}

function sendBrokenResponse(
  reply: FastifyReply,
  kind: Exclude<ResponseFaultKind, 'slow'>,
  createError: (kind: ErrorFaultKind) => Error,
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
      throw createError(kind);
  }
}
