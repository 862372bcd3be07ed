import type { Provider } from '@nestjs/common';
import { InfobipCodeLengths } from './infobip/infobip.code-lengths.js';
import { InfobipProvider } from './infobip/infobip.provider.js';
import { ProviderRouter } from './provider-router.js';
import { SinchProvider } from './sinch/sinch.provider.js';
import { TestNumberProvider } from './test-number.provider.js';

/**
 * {@link ProviderRouter} and the classes that it injects, for the `providers` of a Nest module. No
 * module of its own, because the commands have another `Clock` than the service: that one needs the
 * database. The Nest module also needs `ProviderClientsModule`, a `Clock` and an `EventBus`.
 */
export const PROVIDER_ROUTING: readonly Provider[] = [
  ProviderRouter,
  InfobipCodeLengths,
  InfobipProvider,
  SinchProvider,
  TestNumberProvider,
];
