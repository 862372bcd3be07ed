import type { FastifyInstance } from 'fastify';
import type { SandboxClock } from '../clock.js';
import type { FaultQueue } from '../faults/fault-queue.js';
import type { FixedPins } from '../fixed-pins.js';
import { InvalidInput, read } from '../read.js';
import type { Settings } from '../settings.js';
import {
  addressQuerySchema,
  clockSchema,
  faultSchema,
  fixedPinSchema,
  LATEST_TIME,
  settingsSchema,
} from './control-schemas.js';

interface Controls {
  readonly clock: SandboxClock;
  readonly faults: FaultQueue;
  readonly fixedPins: FixedPins;
  readonly settings: Settings;
}

/** How a test steers the sandbox. A field that is not known is refused: it may be a misspelt one. */
export function controlRoutes({ clock, faults, fixedPins, settings }: Controls) {
  const time = () => ({ now: new Date(clock.now()).toISOString() });

  return async (fastify: FastifyInstance): Promise<void> => {
    fastify.get('/faults', async () => faults.list());
    fastify.put('/faults', async ({ body }) => {
      const planned = read(faultSchema, body, { unknown: 'refuse' });
      faults.plan(planned);
      return planned;
    });
    fastify.delete('/faults', async (_request, reply) => {
      faults.clear();
      return reply.code(204).send();
    });

    fastify.get('/clock', async () => time());
    fastify.put('/clock', async ({ body }) => {
      const move = read(clockSchema, body, { unknown: 'refuse' });
      const target = 'now' in move ? move.now.getTime() : clock.now() + move.advanceMs;
      if (target > LATEST_TIME) throw new InvalidInput({ advanceMs: ['leads too far ahead'] });
      clock.set(target);
      return time();
    });
    fastify.delete('/clock', async () => {
      clock.reset();
      return time();
    });

    fastify.put('/pins', async ({ body }) => {
      const fixed = read(fixedPinSchema, body, { unknown: 'refuse' });
      if (!fixedPins.fix(fixed.to, fixed.pin))
        throw new InvalidInput({ to: ['is one too many: free some first'] });
      return fixed;
    });
    fastify.delete('/pins', async ({ query }, reply) => {
      fixedPins.free(read(addressQuerySchema, query).to);
      return reply.code(204).send();
    });

    fastify.get('/settings', async () => settings);
    fastify.put('/settings', async ({ body }) =>
      Object.assign(settings, read(settingsSchema, body, { unknown: 'refuse' })),
    );
  };
}
