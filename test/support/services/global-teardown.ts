import { shared } from './global-setup';

/** Stops what global-setup.ts started. */
export default async function stopTestEngines(): Promise<void> {
  await shared.stopTestEngines?.();
}
