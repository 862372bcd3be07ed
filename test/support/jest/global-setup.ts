import { ServiceBroker } from '../services/service-broker';
import { TIME_SCALE } from '../time-scale';
import { measureTimeScale } from './measure-time-scale';

/** The globals of jest's main process. The tests run there too if there is a single worker. */
export const shared: typeof globalThis & { serviceBroker?: ServiceBroker } = globalThis;

/** Runs before the first test of a jest project with servers. Servers start when a test needs them. */
export default async function setUp(): Promise<void> {
  shared.serviceBroker = await ServiceBroker.start();
  process.env[TIME_SCALE] ??= String(await measureTimeScale());
}
