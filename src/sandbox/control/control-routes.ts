import type { FastifyInstance } from 'fastify';
import type { AnyPlannedFault, FaultInjector } from '../faults/fault-injector.js';
import type { FixedPinStore } from '../fixed-pin-store.js';
import type { ReportQueue } from '../reports/report-queue.js';
import type { SandboxClock } from '../sandbox-clock.js';
import type { SandboxSettings } from '../sandbox-settings.js';
import { ValidationError, validateInput } from '../validate-input.js';
import {
  recipientQuerySchema,
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
  /** Sends the reports that become due when the clock is moved. */
  readonly reports: ReportQueue;
}

/**
 * The routes that plan faults, move the clock, choose the PINs of recipients and change settings.
 * They need no API key. Unknown fields are rejected as typos.
 */
export function createControlRoutes(deps: ControlDependencies) {
  const { clock, faults, fixedPins, settings, reports } = deps;
  const getTime = () => ({ now: new Date(clock.now()).toISOString() });

  return async (fastify: FastifyInstance): Promise<void> => {
    fastify.get('/faults', async () => faults.listFaults());
    fastify.put('/faults', async ({ body }) => {
      const fault = validateInput<AnyPlannedFault>(faultSchema, body, { unknown: 'reject' });
      if (!faults.addFault(fault))
        throw new ValidationError({
          to: ['exceeds the limit of planned faults: delete them first'],
        });
      return fault;
    });
    fastify.delete('/faults', async (_request, reply) => {
      faults.clearFaults();
      return reply.code(204).send();
    });

    fastify.get('/clock', async () => getTime());
    fastify.put('/clock', async ({ body }) => {
      const change = validateInput(clockSchema, body, { unknown: 'reject' });
      const time = 'now' in change ? change.now.getTime() : clock.now() + change.advanceMs;
      if (time > MAX_TIME_MS)
        throw new ValidationError({ advanceMs: ['moves the clock past the year 9998'] });
      clock.setTime(time);
      // Not awaited, because the receivers may be slow.
      void reports.sendWaiting();
      return getTime();
    });
    fastify.delete('/clock', async () => {
      clock.resetTime();
      return getTime();
    });

    fastify.put('/pins', async ({ body }) => {
      const fixedPin = validateInput(fixedPinSchema, body, { unknown: 'reject' });
      if (!fixedPins.setPin(fixedPin.to, fixedPin.pin))
        throw new ValidationError({ to: ['exceeds the limit of fixed PINs: delete some first'] });
      return fixedPin;
    });
    fastify.delete('/pins', async ({ query }, reply) => {
      const { to } = validateInput(recipientQuerySchema, query);
      if (to === undefined) fixedPins.clear();
      else fixedPins.deletePin(to);
      return reply.code(204).send();
    });

    fastify.get('/settings', async () => settings);
    fastify.put('/settings', async ({ body }) =>
      Object.assign(settings, validateInput(settingsSchema, body, { unknown: 'reject' })),
    );
  };
}
