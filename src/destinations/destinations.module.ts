import { Module } from '@nestjs/common';
import { DestinationPolicy } from './destination-policy.js';
import { PumpingGuard } from './pumping-guard.js';

/** Who may be texted. */
@Module({
  providers: [DestinationPolicy, PumpingGuard],
  exports: [DestinationPolicy, PumpingGuard],
})
export class DestinationsModule {}
