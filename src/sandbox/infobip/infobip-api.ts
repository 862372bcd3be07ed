import type { FastifyInstance } from 'fastify';
import { seedDefaults } from '../defaults.js';
import type { FaultInjector } from '../faults/fault-injector.js';
import type { FixedPinStore } from '../fixed-pin-store.js';
import type { MessageInbox } from '../message-inbox.js';
import type { ReportPlanner } from '../reports/report-planner.js';
import type { SandboxSettings } from '../sandbox-settings.js';
import { ApplicationStore } from './application-store.js';
import { createConfigurationRoutes } from './configuration-routes.js';
import { DeliveryReporter } from './delivery-reporter.js';
import type { FloodFilter } from './flood-filter.js';
import { PinDelivery } from './pin-delivery.js';
import { createPinRoutes } from './pin-routes.js';
import { PinService } from './pin-service.js';
import { createSubscriptionRoutes } from './subscription-routes.js';
import { SubscriptionStore } from './subscription-store.js';

interface InfobipApiDependencies {
  readonly inbox: MessageInbox;
  readonly faults: FaultInjector;
  readonly fixedPins: FixedPinStore;
  readonly planner: ReportPlanner;
  /** `undefined` if the sandbox does not simulate the flood filter. */
  readonly floodFilter: FloodFilter | undefined;
  readonly settings: SandboxSettings;
  /** The only valid API key; `undefined` if every key is valid. */
  readonly apiKey: string | undefined;
  /** The time by the sandbox's clock, in milliseconds since the epoch. */
  readonly now: () => number;
}

/** Registers all routes of the Infobip APIs. @returns the subscriptions to delivery reports */
export async function registerInfobipApi(
  server: FastifyInstance,
  deps: InfobipApiDependencies,
): Promise<SubscriptionStore> {
  const { inbox, faults, fixedPins, planner, floodFilter, settings, apiKey, now } = deps;
  const applications = new ApplicationStore();
  seedDefaults(applications);
  const subscriptions = new SubscriptionStore(() => settings.reportHmacHeader);
  const getReportShape = () => settings.reportShape;
  const reporter = new DeliveryReporter({ planner, subscriptions, getReportShape });
  const delivery = new PinDelivery({ inbox, floodFilter, reporter, now });
  const pinService = new PinService({ applications, fixedPins, delivery, now });
  await server.register(createConfigurationRoutes({ applications, faults, apiKey }));
  await server.register(createPinRoutes({ pinService, faults, apiKey, now }));
  await server.register(createSubscriptionRoutes(subscriptions, apiKey));
  return subscriptions;
}
