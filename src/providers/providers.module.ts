import { Module } from '@nestjs/common';
import { StorageModule } from '../storage/storage.module.js';
import { AccountsModule } from './accounts.module.js';
import { ProviderEventLogger } from './provider-event-logger.js';
import { ProviderRouter } from './provider-router.js';
import { PROVIDER_ROUTING } from './provider-routing.js';
import { StartupAccountCheck } from './startup-account-check.js';

/**
 * The providers of codes. {@link ProviderRouter} chooses a provider. The adapter of the provider translates
 * operations and responses, and its client makes the HTTP requests.
 */
@Module({
  imports: [AccountsModule, StorageModule],
  providers: [...PROVIDER_ROUTING, ProviderEventLogger, StartupAccountCheck],
  exports: [ProviderRouter],
})
export class ProvidersModule {}
