import { Module } from '@nestjs/common';
import { EventBus } from '../common/events.js';
import { providersConfig, type ProvidersConfig } from '../config/providers.config.js';
import { StorageModule } from '../storage/storage.module.js';
import { AccountsModule } from './accounts.module.js';
import { Couriers } from './couriers.js';
import { Failover } from './failover.js';
import { GuardedProvider } from './guarded-provider.js';
import { inOrder } from './in-order.js';
import { InfobipProvider } from './infobip/infobip.provider.js';
import { InspectionAtStart } from './inspection-at-start.js';
import type { OtpProvider } from './otp-provider.js';
import { ProviderLog } from './provider-log.js';
import { SinchProvider } from './sinch/sinch.provider.js';
import { TestNumbers } from './test-numbers.js';

@Module({
  imports: [AccountsModule, StorageModule],
  providers: [
    InspectionAtStart,
    InfobipProvider,
    SinchProvider,
    ProviderLog,
    TestNumbers,
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
            (provider) => new GuardedProvider(provider, config, events),
          ),
        ),
    },
  ],
  exports: [Couriers],
})
export class ProvidersModule {}
