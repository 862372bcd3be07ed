import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import type { ProviderName } from '../provider-name.js';
import type { FaultInjector } from './fault-injector.js';
import { findMagicFault } from './magic-numbers.js';
import {
  isResponseFault,
  type ErrorFaultKind,
  type ForcedOutcome,
  type SandboxFault,
  type SandboxOperation,
} from './sandbox-fault.js';

const DEFAULT_SLOW_RESPONSE_MS = 2_000;

/** Creates the error with which the provider's API reports a fault. */
type FaultErrorFactory = (kind: ErrorFaultKind, fault: SandboxFault) => Error;

/** Performs an operation and returns its response. `forcedOutcome` replaces the regular result. */
type PerformOperation = (forcedOutcome?: ForcedOutcome) => object | Promise<object>;

interface OperationRequest {
  readonly operation: SandboxOperation;
  /** The recipient, which may be a magic number; `undefined` for operations that have none. */
  readonly to?: string | undefined;
}

/**
 * Creates the handler that performs the operation of one request, or applies the fault that was
 * planned for it or that its magic number has.
 */
export function createOperationHandler(
  provider: ProviderName,
  faults: FaultInjector,
  createError: FaultErrorFactory,
) {
  return async (
    reply: FastifyReply,
    { operation, to = '' }: OperationRequest,
    perform: PerformOperation,
  ): Promise<unknown> => {
    const fault =
      faults.consumeFault(operation, provider, to) ?? findMagicFault(operation, to, provider);
    if (!fault) return perform();
    const { kind } = fault;
    if (!isResponseFault(kind)) return perform(kind);
    if (kind === 'slow') {
      const response = await perform();
      await delay(fault.delayMs ?? DEFAULT_SLOW_RESPONSE_MS, undefined, { ref: false });
      return response;
    }
    if (fault.performed) await perform();
    switch (kind) {
      case 'hang':
        return reply.hijack();
      case 'drop':
        reply.hijack().raw.destroy();
        return reply;
      case 'garbage':
        return reply.type('text/html').send('<html><body>Bad gateway</body></html>');
      default:
        throw createError(kind, fault);
    }
  };
}
