import type { Provider } from '@nestjs/common';
import { InfobipCodeLengths } from './infobip/infobip.code-lengths.js';
import { InfobipProvider } from './infobip/infobip.provider.js';
import { ProviderRouter } from './provider-router.js';
import { SinchProvider } from './sinch/sinch.provider.js';
import { TestNumberProvider } from './test-number.provider.js';

/**
 * {@link ProviderRouter} and the classes that it injects, for a Nest module. This module needs
 * `AccountsModule`, a clock and an event bus.
 */
export const PROVIDER_ROUTING: readonly Provider[] = [
  ProviderRouter,
  InfobipCodeLengths,
  InfobipProvider,
  SinchProvider,
  TestNumberProvider,
];
