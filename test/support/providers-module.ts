import { Test } from '@nestjs/testing';
import { ClientsModule } from '../../src/clients/clients.module.js';
import { EventBus } from '../../src/common/events.js';
import { configModule } from '../../src/config/config.module.js';
import { providersConfig } from '../../src/config/providers.config.js';
import { AccountCheck } from '../../src/providers/account-check.js';
import { ProviderRouter } from '../../src/providers/provider-router.js';
import { InfobipProvider } from '../../src/providers/infobip/infobip.provider.js';
import type { OtpProvider } from '../../src/providers/otp-provider.js';
import { ProviderError } from '../../src/providers/provider-error.js';
import { ProvidersModule } from '../../src/providers/providers.module.js';
import { SinchProvider } from '../../src/providers/sinch/sinch.provider.js';
import { testEnvironment } from './config.js';
import { EventsModule } from './events-module.js';

const ADAPTERS = { infobip: InfobipProvider, sinch: SinchProvider };

/** Starts the providers and their router as in the service; `provider` is the first of PROVIDERS. */
export async function startProvidersModule(settings: NodeJS.ProcessEnv) {
  const env = testEnvironment(settings);
  const app = await Test.createTestingModule({
    imports: [configModule(env), ClientsModule.with(env), EventsModule, ProvidersModule],
  }).compile();
  return {
    provider: app.get<OtpProvider>(ADAPTERS[providersConfig(env).names[0]]),
    router: app.get(ProviderRouter),
    events: app.get(EventBus),
    accountCheck: app.get(AccountCheck, { strict: false }),
    close: () => app.close(),
  };
}

/** The error with which the call fails. */
export async function catchProviderError(call: Promise<unknown>): Promise<ProviderError> {
  const error: unknown = await call.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ProviderError);
  return error as ProviderError;
}
