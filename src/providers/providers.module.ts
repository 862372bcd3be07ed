import { Module } from '@nestjs/common';
import { StorageModule } from '../storage/storage.module.js';
import { ProviderClientsModule } from './provider-clients.module.js';
import { ProviderEventLogger } from './provider-event-logger.js';
import { ProviderRouter } from './provider-router.js';
import { PROVIDER_ROUTING } from './provider-routing.js';
import { StartupAccountCheck } from './startup-account-check.js';

/**
 * Infobip and Sinch, which generate, send and check the codes. {@link ProviderRouter} chooses one of them.
 * The adapter of that provider translates operations and responses for its API. The client makes the
 * HTTP requests.
 */
@Module({
  imports: [ProviderClientsModule, StorageModule],
  providers: [...PROVIDER_ROUTING, ProviderEventLogger, StartupAccountCheck],
  exports: [ProviderRouter],
})
export class ProvidersModule {}
