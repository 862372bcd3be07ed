import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { StorageModule } from '../storage/storage.module.js';
import { ThrottlingModule } from '../throttling/throttling.module.js';
import { HealthController } from './health.controller.js';
import { HealthMetrics } from './health.metrics.js';
import { ReadinessService } from './readiness.service.js';

@Module({
  imports: [
    // The logger of terminus logs each failed probe; ReadinessService logs changes only.
    TerminusModule.forRoot({ logger: false }),
    StorageModule,
    ThrottlingModule,
  ],
  controllers: [HealthController],
  providers: [ReadinessService, HealthMetrics],
})
export class HealthModule {}
