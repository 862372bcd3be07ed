import { Module } from '@nestjs/common';
import { OtpModule } from '../otp/otp.module.js';
import { StorageModule } from '../storage/storage.module.js';
import { DemoFilesController } from './demo-files.controller.js';
import { DemoSessions } from './demo-sessions.js';
import { DemoController } from './demo.controller.js';
import { DemoService } from './demo.service.js';
import { SandboxPhone } from './sandbox-phone.js';

/** The demo page: a form to send and verify a code, beside a phone with the sandbox's messages. */
@Module({
  imports: [OtpModule, StorageModule],
  controllers: [DemoController, DemoFilesController],
  providers: [DemoService, DemoSessions, SandboxPhone],
})
export class DemoModule {}
