import { ServiceBroker } from '../services/service-broker';
import { TIME_SCALE } from '../time-scale';
import { measureTimeScale } from './measure-time-scale';

/** Set-up, teardown and environment share globals; with a single worker they share the process too. */
export const shared: typeof globalThis & { serviceBroker?: ServiceBroker } = globalThis;

/** Before the first test of a tier with servers. No server starts before a test needs it. */
export default async function setUp(): Promise<void> {
  shared.serviceBroker = await ServiceBroker.start();
  process.env[TIME_SCALE] ??= String(await measureTimeScale());
}
