import { Module } from '@nestjs/common';
import { AppConfig } from '../config/app-config.js';
import { AccountsModule } from './accounts.module.js';
import { inOrder } from './in-order.js';
import { InfobipProvider } from './infobip/infobip.provider.js';
import { InspectionAtStart } from './inspection-at-start.js';
import { OtpProvider } from './otp-provider.js';
import { SinchProvider } from './sinch/sinch.provider.js';

@Module({
  imports: [AccountsModule],
  providers: [
    InspectionAtStart,
    InfobipProvider,
    SinchProvider,
    {
      provide: OtpProvider,
      inject: [AppConfig, InfobipProvider, SinchProvider],
      useFactory: (config: AppConfig, infobip: InfobipProvider, sinch: SinchProvider) =>
        inOrder<OtpProvider>(config, { infobip, sinch })[0],
    },
  ],
  exports: [OtpProvider],
})
export class ProvidersModule {}
