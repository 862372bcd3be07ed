import { Module } from '@nestjs/common';
import { EventBus } from '../common/events.js';
import { providersConfig, type ProvidersConfig } from '../config/providers.config.js';
import { StorageModule } from '../storage/storage.module.js';
import { AccountsModule } from './accounts.module.js';
import { Couriers } from './couriers.js';
import { Failover } from './provider-failover.js';
import { ResilientProvider } from './resilient-provider.js';
import { inOrder } from './in-order.js';
import { InfobipProvider } from './infobip/infobip.provider.js';
import { StartupAccountCheck } from './startup-account-check.js';
import type { OtpProvider } from './otp-provider.js';
import { ProviderEventLogger } from './provider-event-logger.js';
import { SinchProvider } from './sinch/sinch.provider.js';
import { TestNumberProvider } from './test-number.provider.js';

@Module({
  imports: [AccountsModule, StorageModule],
  providers: [
    StartupAccountCheck,
    InfobipProvider,
    SinchProvider,
    ProviderEventLogger,
    TestNumberProvider,
    Couriers,
    {
      provide: Failover,
      inject: [providersConfig.KEY, EventBus, InfobipProvider, SinchProvider],
      useFactory: (
        config: ProvidersConfig,
        events: EventBus,
        infobip: InfobipProvider,
        sinch: SinchProvider,
      ) =>
        new Failover(
          inOrder<OtpProvider>(config, { infobip, sinch }).map(
            (provider) => new ResilientProvider(provider, config, events),
          ),
        ),
    },
  ],
  exports: [Couriers],
})
export class ProvidersModule {}
