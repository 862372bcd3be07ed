import type { FastifyInstance } from 'fastify';
import type { SandboxClock } from '../sandbox-clock.js';
import type { FaultInjector } from '../faults/fault-injector.js';
import type { FixedPinStore } from '../fixed-pin-store.js';
import { ValidationError, validateInput } from '../validate-input.js';
import type { SandboxSettings } from '../sandbox-settings.js';
import {
  addressQuerySchema,
  clockSchema,
  faultSchema,
  fixedPinSchema,
  MAX_TIME_MS,
  settingsSchema,
} from './control-schemas.js';

interface ControlDependencies {
  readonly clock: SandboxClock;
  readonly faults: FaultInjector;
  readonly fixedPins: FixedPinStore;
  readonly settings: SandboxSettings;
}

/** How a test steers the sandbox. A field that is not known is refused: it may be a misspelt one. */
export function createControlRoutes({ clock, faults, fixedPins, settings }: ControlDependencies) {
  const getTime = () => ({ now: new Date(clock.now()).toISOString() });

  return async (fastify: FastifyInstance): Promise<void> => {
    fastify.get('/faults', async () => faults.listFaults());
    fastify.put('/faults', async ({ body }) => {
      const planned = validateInput(faultSchema, body, { unknown: 'refuse' });
      faults.addFault(planned);
      return planned;
    });
    fastify.delete('/faults', async (_request, reply) => {
      faults.clearFaults();
      return reply.code(204).send();
    });

    fastify.get('/clock', async () => getTime());
    fastify.put('/clock', async ({ body }) => {
      const move = validateInput(clockSchema, body, { unknown: 'refuse' });
      const target = 'now' in move ? move.now.getTime() : clock.now() + move.advanceMs;
      if (target > MAX_TIME_MS) throw new ValidationError({ advanceMs: ['leads too far ahead'] });
      clock.setTime(target);
      return getTime();
    });
    fastify.delete('/clock', async () => {
      clock.resetTime();
      return getTime();
    });

    fastify.put('/pins', async ({ body }) => {
      const fixed = validateInput(fixedPinSchema, body, { unknown: 'refuse' });
      if (!fixedPins.setPin(fixed.to, fixed.pin))
        throw new ValidationError({ to: ['is one too many: free some first'] });
      return fixed;
    });
    fastify.delete('/pins', async ({ query }, reply) => {
      fixedPins.clearPins(validateInput(addressQuerySchema, query).to);
      return reply.code(204).send();
    });

    fastify.get('/settings', async () => settings);
    fastify.put('/settings', async ({ body }) =>
      Object.assign(settings, validateInput(settingsSchema, body, { unknown: 'refuse' })),
    );
  };
}
