import type { FastifyInstance } from 'fastify';
import type { FaultInjector } from '../faults/fault-injector.js';
import type { FixedPinStore } from '../fixed-pin-store.js';
import type { MessageInbox } from '../message-inbox.js';
import type { ReportPlanner } from '../reports/report-planner.js';
import type { ReportQueue } from '../reports/report-queue.js';
import type { SandboxSettings } from '../sandbox-settings.js';
import { SinchCallbacks } from './sinch-callbacks.js';
import { createSinchRoutes } from './sinch-routes.js';
import { SinchVerificationService } from './sinch-verification-service.js';

interface SinchApiDependencies {
  readonly inbox: MessageInbox;
  readonly faults: FaultInjector;
  readonly fixedPins: FixedPinStore;
  readonly queue: ReportQueue;
  readonly planner: ReportPlanner;
  readonly settings: SandboxSettings;
  /** The time by the sandbox's clock, in milliseconds since the epoch. */
  readonly now: () => number;
}

/** Registers all routes of the Sinch Verification API. The URL for its callbacks is a setting. */
export async function registerSinchApi(
  server: FastifyInstance,
  { inbox, faults, fixedPins, queue, planner, settings, now }: SinchApiDependencies,
): Promise<void> {
  const getCallbackUrl = () => settings.sinchCallbackUrl;
  const callbacks = new SinchCallbacks({ queue, planner, getCallbackUrl });
  const sinchVerifications = new SinchVerificationService({ inbox, fixedPins, callbacks, now });
  await server.register(createSinchRoutes({ sinchVerifications, faults }));
}
