import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { StorageModule } from '../storage/storage.module.js';
import { ThrottlingModule } from '../throttling/throttling.module.js';
import { HealthController } from './health.controller.js';
import { ReadinessLog } from './readiness-log.js';

@Module({
  imports: [
    // It would log each probe that fails; the controller logs changes.
    TerminusModule.forRoot({ logger: false }),
    StorageModule,
    ThrottlingModule,
  ],
  controllers: [HealthController],
  providers: [ReadinessLog],
})
export class HealthModule {}
