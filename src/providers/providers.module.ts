import { Module } from '@nestjs/common';
import { StorageModule } from '../storage/storage.module.js';
import { AccountsModule } from './accounts.module.js';
import { InfobipProvider } from './infobip/infobip.provider.js';
import { ProviderEventLogger } from './provider-event-logger.js';
import { ProviderRouter } from './provider-router.js';
import { SinchProvider } from './sinch/sinch.provider.js';
import { StartupAccountCheck } from './startup-account-check.js';
import { TestNumberProvider } from './test-number.provider.js';

/**
 * The providers of codes. {@link ProviderRouter} chooses one, its adapter translates the operation
 * and the response, and its client makes the HTTP requests.
 */
@Module({
  imports: [AccountsModule, StorageModule],
  providers: [
    ProviderRouter,
    InfobipProvider,
    SinchProvider,
    TestNumberProvider,
    ProviderEventLogger,
    StartupAccountCheck,
  ],
  exports: [ProviderRouter],
})
export class ProvidersModule {}
