import { Module } from '@nestjs/common';
import { AccountsModule } from './accounts.module.js';
import { InfobipProvider } from './infobip/infobip.provider.js';
import { InspectionAtStart } from './inspection-at-start.js';
import { OtpProvider } from './otp-provider.js';

@Module({
  imports: [AccountsModule],
  providers: [InspectionAtStart, { provide: OtpProvider, useClass: InfobipProvider }],
  exports: [OtpProvider],
})
export class ProvidersModule {}
