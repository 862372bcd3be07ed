import { Module } from '@nestjs/common';
import { ProvidersModule } from '../providers/providers.module.js';
import { StorageModule } from '../storage/storage.module.js';
import { OtpController } from './otp.controller.js';
import { OtpService } from './otp.service.js';

@Module({
  imports: [ProvidersModule, StorageModule],
  controllers: [OtpController],
  providers: [OtpService],
})
export class OtpModule {}
