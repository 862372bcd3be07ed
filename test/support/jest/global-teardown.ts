import { shared } from './global-setup';

export default async function tearDown(): Promise<void> {
  await shared.serviceBroker?.stop();
}
